package dev.perdure.engine.owner;

import dev.perdure.store.Journal.Mark;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Marks of nodes that are shown as running, the latest of each node. The next exchange writes them. Thread-safe. */
public final class MarkBuffer {

    private static final int MOST = 500;

    private final Wakeup loop;
    private final Map<String, Mark> marks = new LinkedHashMap<>();

    public MarkBuffer(Wakeup loop) {
        this.loop = loop;
    }

    /** Adds a mark. */
    public void add(Mark mark) {
        synchronized (this) {
            marks.put(mark.instance() + '/' + mark.node(), mark);
        }
        loop.wake();
    }

    synchronized List<Mark> next() {
        List<Mark> batch = new ArrayList<>();
        var all = marks.values().iterator();
        while (all.hasNext() && batch.size() < MOST) {
            batch.add(all.next());
            all.remove();
        }
        return batch;
    }

    /** Marks that may not have been written. */
    synchronized void lost(List<Mark> batch) {
        batch.forEach(mark -> marks.putIfAbsent(mark.instance() + '/' + mark.node(), mark));
    }

    synchronized boolean isEmpty() {
        return marks.isEmpty();
    }
}
