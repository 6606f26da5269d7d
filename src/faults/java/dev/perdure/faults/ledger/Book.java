package dev.perdure.faults.ledger;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** All that was started in one world. Thread-safe. */
public final class Book {

    private final Queue<Entry> entries = new ConcurrentLinkedQueue<>();
    private final Queue<Entry> toCancel = new ConcurrentLinkedQueue<>();
    private final Queue<Entry> toRedrive = new ConcurrentLinkedQueue<>();
    private final Queue<Entry> toFork = new ConcurrentLinkedQueue<>();
    private final Calls calls;
    private final AtomicInteger size = new AtomicInteger();

    public Book() {
        this(new Calls());
    }

    private Book(Calls calls) {
        this.calls = calls;
    }

    /** The requests that were received. */
    public Calls calls() {
        return calls;
    }

    /** The same entries with other requests. */
    public Book with(Calls others) {
        Book copy = new Book(others);
        entries.forEach(copy::add);
        return copy;
    }

    void add(Entry entry) {
        entries.add(entry);
        size.incrementAndGet();
    }

    /** Started instances that somebody should cancel. */
    Queue<Entry> toCancel() {
        return toCancel;
    }

    /** Started instances that fail until somebody redrives them. */
    Queue<Entry> toRedrive() {
        return toRedrive;
    }

    /** Started instances that fail and that somebody should fork. */
    Queue<Entry> toFork() {
        return toFork;
    }

    public List<Entry> entries() {
        return List.copyOf(entries);
    }

    /** The entries of this moment, in a book of their own. None of them is forked later: the copy would know of a fork that it cannot have. */
    public Book copy() {
        toFork.clear();
        return with(calls);
    }

    public int size() {
        return size.get();
    }

    /** The server has lost what was not flushed. Called when it is down. */
    public void serverCrashed() {
        entries.forEach(Entry::serverCrashed);
    }
}
