package dev.perdure.faults.ledger;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** All that was started in one world. Thread-safe. */
public final class Book {

    private final Queue<Entry> entries = new ConcurrentLinkedQueue<>();
    private final Queue<Entry> toCancel = new ConcurrentLinkedQueue<>();
    private final AtomicInteger size = new AtomicInteger();

    void add(Entry entry) {
        entries.add(entry);
        size.incrementAndGet();
    }

    /** Started instances that somebody should cancel. */
    Queue<Entry> toCancel() {
        return toCancel;
    }

    public List<Entry> entries() {
        return List.copyOf(entries);
    }

    /** The entries of this moment, in a book of their own. */
    public Book copy() {
        Book copy = new Book();
        entries.forEach(copy::add);
        return copy;
    }

    public int size() {
        return size.get();
    }

    /** The server has lost what was not flushed. Called when it is down. */
    public void serverCrashed() {
        entries.forEach(Entry::serverCrashed);
    }
}
