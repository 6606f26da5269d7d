package dev.perdure.engine.actor;

import dev.perdure.engine.telemetry.LogFields;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * The messages of an instance, handled one at a time and in order, each on its lane. A message that is not over when it returns keeps the
 * others waiting until it is answered. Messages to an instance that has left memory are dropped. Thread-safe.
 */
final class Mailbox {

    private final InstanceActor actor;
    private final ActorContext context;
    private final Deque<Message> messages = new ArrayDeque<>();
    private boolean busy;

    Mailbox(InstanceActor actor, ActorContext context) {
        this.actor = actor;
        this.context = context;
    }

    void post(Message message, Lane here) {
        if (add(message)) {
            drain(here);
        }
    }

    void post(Message message) {
        if (add(message)) {
            context.lanes().drain(actor, message.lane());
        }
    }

    /** Whether the caller has to get the message handled. */
    private synchronized boolean add(Message message) {
        if (!actor.isLive()) {
            message.dropped();
            return false;
        }
        messages.add(message);
        boolean isFirst = !busy;
        busy = true;
        return isFirst;
    }

    void answer(Message message) {
        synchronized (this) {
            messages.addFirst(message);
        }
        context.lanes().drain(actor, message.lane());
    }

    void drain(Lane here) {
        Drain drain = new Drain(here);
        LogFields.with(actor.id(), null, () -> {
            for (Message message = next(drain); message != null; message = next(drain)) {
                if (!handle(message, drain)) {
                    break;
                }
            }
        });
        drain.leave(context.lanes());
    }

    private @Nullable Message next(Drain drain) {
        Message first;
        synchronized (this) {
            first = messages.peek();
            if (first == null) {
                busy = false;
                return null;
            }
            if (!actor.isLive()) {
                messages.forEach(Message::dropped);
                messages.clear();
                busy = false;
                return null;
            }
            if (drain.lane().serves(first.lane())) {
                return messages.poll();
            }
        }
        context.lanes().drain(actor, first.lane());
        return null;
    }

    private boolean handle(Message message, Drain drain) {
        try {
            return message.handle(actor, drain);
        } catch (RuntimeException | Error e) {
            context.breakdowns().brokeDown(actor, e, message::dropped);
            return true;
        }
    }

    /** Drops the messages that wait, which no thread will handle. */
    synchronized void clear() {
        messages.forEach(Message::dropped);
        messages.clear();
    }

    synchronized boolean isBusy() {
        return busy;
    }
}
