package dev.perdure.engine;

import dev.perdure.engine.RequestMarks.Marks;
import dev.perdure.flow.Activation;
import dev.perdure.flow.Event;
import dev.perdure.flow.HttpRequest;
import dev.perdure.flow.InstanceState;
import dev.perdure.flow.Result;
import dev.perdure.step.http.Answer;
import dev.perdure.step.http.Exchange;
import dev.perdure.step.http.HttpOutcome;
import dev.perdure.step.http.HttpStep;
import dev.perdure.step.http.HttpStepException;
import dev.perdure.step.http.SecretDirectory;
import dev.perdure.store.InstanceStore.Begun;
import dev.perdure.store.InstanceStore.Mark;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * Sends the requests of HTTP steps. That one begins is on disk before it is sent, together with whatever was committed
 * before; its answer is written by the owner's checkpoint. A crash in between sends it again, with the same
 * {@code Idempotency-Key}.
 */
final class Requests {

    private final TermContext context;
    private final Turns turns;
    private final HttpStep http;
    private final RequestQueue queue;
    private final RequestMarks marks;
    private final RequestSecrets privileges;
    private final SecretDirectory secrets;

    Requests(TermContext context, Turns turns, HttpStep http) {
        this.context = context;
        this.turns = turns;
        this.http = http;
        this.queue = new RequestQueue(
                http.settings().maxConcurrent(), http.settings().maxConcurrentPerRole());
        this.marks = new RequestMarks(context.store(), context.deciders(), context.scheduler(), context.stepDown());
        this.privileges = new RequestSecrets(context);
        this.secrets = new SecretDirectory(http.settings().secrets());
    }

    /** Takes a request in; it begins when there is a slot. */
    void add(RequestTask task) {
        task.instance().requests().put(task.activation(), task);
        begin(queue.add(task));
    }

    /** Requests that wait. */
    int queued() {
        return queue.queued();
    }

    /** Requests that are under way, or whose answer is not yet written. */
    int inUse() {
        return queue.inUse();
    }

    /** Nothing begins any more. */
    void close() {
        queue.close();
    }

    /** Ends all connections. */
    void end() {
        http.close();
    }

    private void begin(List<RequestTask> tasks) {
        for (RequestTask task : tasks) {
            task.started(turns.now());
            // Which stamps the rows carry is known in a turn only.
            context.deciders().execute(() -> task.instance().post(() -> record(task)));
        }
    }

    private void release(RequestTask task) {
        begin(queue.release(task));
    }

    /** The turn that has the beginning recorded; what follows needs no turn until the answer is there. */
    private boolean record(RequestTask task) {
        LiveInstance instance = task.instance();
        if (task.isInterrupted() || instance.isGone() || !instance.state().isActive(task.activation())) {
            release(task);
            return true;
        }
        marks.begin(marksOf(task), begun -> begun(task, begun));
        return true;
    }

    private static Marks marksOf(RequestTask task) {
        LiveInstance instance = task.instance();
        Activation activation = task.activation();
        String prior = activation.stamp();
        List<Mark> enclosing = new ArrayList<>();
        for (InstanceState.Unmarked node : instance.state().runningNodes()) {
            if (node.nodeId().equals(activation.nodeId())) {
                prior = node.priorStamp();
            } else if (!instance.state().isActive(new Activation(node.nodeId(), node.stamp()))) {
                enclosing.add(new Mark(instance.id(), node.nodeId(), node.priorStamp(), node.stamp(), null, null));
            }
        }
        Mark own = new Mark(
                instance.id(), activation.nodeId(), prior, activation.stamp(), task.startedAt(), task.attempt());
        return new Marks(own, enclosing);
    }

    private void begun(RequestTask task, RequestMarks.Recorded recorded) {
        LiveInstance instance = task.instance();
        Begun begun = recorded.own();
        if (task.isInterrupted() || instance.isGone()) {
            release(task);
            return;
        }
        if (begun == null) {
            release(task);
            turns.loadAgain(instance);
            return;
        }
        instance.post(() -> {
            instance.state().marked(begun.node(), task.activation().stamp());
            // Memory must know what the rows say: the next round of a LOOP is written compare-and-set.
            recorded.enclosing().forEach(mark -> instance.state().marked(mark.node(), mark.stamp()));
            return true;
        });
        String refused = RequestPrivilege.refuse(task.effect().request(), begun);
        if (refused == null) {
            privileges.check(task, begun, without -> mayUseSecrets(task, begun, without));
        } else {
            notSent(task, HttpOutcome.BLOCKED, refused);
        }
    }

    private void mayUseSecrets(RequestTask task, Begun begun, @Nullable String refused) {
        if (task.isInterrupted() || task.instance().isGone()) {
            release(task);
        } else if (refused == null) {
            send(task, begun);
        } else {
            notSent(task, HttpOutcome.BLOCKED, refused);
        }
    }

    private void notSent(RequestTask task, HttpOutcome outcome, String message) {
        context.statistics().http().count(outcome);
        RequestLog.failed(task, outcome, message, 0);
        failed(task, message, null, null);
    }

    private void send(RequestTask task, Begun begun) {
        HttpRequest request;
        try {
            request = secrets.resolve(task.effect().request());
        } catch (HttpStepException e) {
            notSent(task, e.outcome(), String.valueOf(e.getMessage()));
            return;
        }
        String key = IdempotencyKey.of(
                begun.instance(), begun.started(), begun.node(), task.effect().step());
        long from = System.nanoTime();
        context.statistics().http().began();
        Exchange exchange = http.send(request, key, task.instance().sessions().roleOid(), bytes -> true);
        // Off the event loop: a turn can commit.
        exchange.answer().whenComplete((answer, failure) -> context.deciders()
                .execute(() -> ended(task, answer, failure, System.nanoTime() - from)));
        task.sentAs(exchange);
    }

    private void ended(RequestTask task, @Nullable Answer answer, @Nullable Throwable failure, long nanos) {
        if (answer != null) {
            context.statistics().http().ended(answer.outcome(), nanos, answer.bytes());
            context.statistics().stepEnded(task.report(StepReport.Outcome.COMPLETED, null, turns.now()));
            RequestLog.answered(task, answer);
            decide(
                    task,
                    new Event.StepSucceeded(
                            task.activation(),
                            new Result(answer.envelope(), null),
                            task.effect().request().text(),
                            task.startedAt(),
                            task.attempt(),
                            turns.now()));
            return;
        }
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        if (!(cause instanceof HttpStepException refused)) {
            throw new IllegalStateException(task + ": the request ended in an unknown way", cause);
        }
        context.statistics().http().ended(refused.outcome(), nanos, 0);
        if (refused.outcome() == HttpOutcome.CANCELED) {
            release(task);
            return;
        }
        RequestLog.failed(task, refused.outcome(), String.valueOf(refused.getMessage()), nanos);
        failed(task, String.valueOf(refused.getMessage()), refused.status(), refused.retryAfter());
    }

    private void failed(RequestTask task, String message, @Nullable Integer status, @Nullable String retryAfter) {
        context.statistics().stepEnded(task.report(StepReport.Outcome.FAILED, message, turns.now()));
        decide(
                task,
                new Event.RequestFailed(
                        task.activation(),
                        message,
                        status,
                        retryAfter,
                        task.effect().request().text(),
                        task.startedAt(),
                        task.attempt(),
                        turns.now()));
    }

    /** The slot is given back once the answer is written, so that an orderly end waits for that too. */
    private void decide(RequestTask task, Event event) {
        LiveInstance instance = task.instance();
        instance.post(() -> {
            instance.requests().remove(task.activation(), task);
            return turns.decide(instance, event);
        });
        instance.post(() -> {
            release(task);
            return true;
        });
    }
}
