package dev.perdure.engine.http;

import dev.perdure.engine.actor.Drain;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.actor.Message;
import dev.perdure.engine.owner.AttemptWriter;
import dev.perdure.engine.queue.FairQueue;
import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.engine.telemetry.EngineStatistics;
import dev.perdure.engine.telemetry.StepReport;
import dev.perdure.flow.Effect;
import dev.perdure.flow.Event;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.template.HttpRequest;
import dev.perdure.step.http.Answer;
import dev.perdure.step.http.HttpOutcome;
import dev.perdure.step.http.HttpPort;
import dev.perdure.step.http.HttpStepException;
import dev.perdure.step.http.SecretDirectory;
import dev.perdure.store.Journal.Begun;
import dev.perdure.store.Journal.Mark;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Sends the requests of HTTP steps. That one begins is on disk before it is sent, together with whatever was committed before; its
 * answer is written by the owner's checkpoint. A crash in between sends it again, with the same {@code Idempotency-Key}.
 */
public final class HttpExecutor {

    /** Roles beyond the number of slots that get one each. */
    private static final int RESERVE = 64;

    private final HttpPort http;
    private final AttemptWriter begins;
    private final MemoryQuota memory;
    private final Executor helpers;
    private final InstantSource clock;
    private final LongSupplier nanos;
    private final EngineStatistics statistics;
    private final FairQueue<HttpAttempt> queue;
    private final RequestSecrets privileges;
    private final SecretDirectory secrets;

    /**
     * Without any request.
     *
     * @param helpers run what follows from answers; it may read files
     */
    public HttpExecutor(
            HttpPort http,
            AttemptWriter begins,
            RequestSecrets privileges,
            MemoryQuota memory,
            Executor helpers,
            InstantSource clock,
            LongSupplier nanos,
            EngineStatistics statistics) {
        this.http = http;
        this.begins = begins;
        this.memory = memory;
        this.helpers = helpers;
        this.clock = clock;
        this.nanos = nanos;
        this.statistics = statistics;
        this.privileges = privileges;
        this.queue = new FairQueue<>(new FairQueue.Limits(
                http.settings().maxConcurrent(), http.settings().maxConcurrentPerRole(), RESERVE));
        this.secrets = new SecretDirectory(http.settings().secrets());
    }

    /** Sends a request as soon as there is a slot for it. Within the actor's mailbox. */
    public void start(InstanceActor actor, Effect.SendHttp effect) {
        HttpAttempt attempt = new HttpAttempt(actor, effect, memory.hold(actor.role()), 0);
        actor.attempts().put(attempt.activation(), attempt);
        add(attempt);
    }

    private void add(HttpAttempt attempt) {
        queue.add(attempt.actor().role(), attempt.actor().instance(), attempt);
        pump();
    }

    /**
     * The same request once more, with the memory for its answer from before it is sent. That others have the memory of the worker is not
     * the step's own doing: it counts as no attempt. As after a crash it may be the second time for the server, which sees the same
     * {@code Idempotency-Key}; each time wants more, so that what can never fit is known in the end.
     */
    private void again(HttpAttempt attempt, long bytes) {
        InstanceActor actor = attempt.actor();
        long wanted = Math.min(memory.most(), Math.max(bytes, 2 * attempt.wanted()));
        HttpAttempt next = new HttpAttempt(actor, attempt.effect(), memory.hold(actor.role()), wanted);
        boolean isNext = attempt.isWanted() && actor.attempts().replace(attempt.activation(), attempt, next);
        release(attempt);
        if (isNext) {
            add(next);
        }
    }

    /** Memory may be there again for a request that wants it before it is sent. */
    public void memoryMayBeFree() {
        if (queue.queued() > 0) {
            pump();
        }
    }

    private static boolean canBegin(HttpAttempt attempt) {
        return !attempt.isWanted() || attempt.reserve();
    }

    private void pump() {
        for (HttpAttempt next = queue.poll(HttpExecutor::canBegin);
                next != null;
                next = queue.poll(HttpExecutor::canBegin)) {
            HttpAttempt attempt = next;
            attempt.begins(clock.instant());
            if (!attempt.isWanted()) {
                release(attempt);
                continue;
            }
            Mark mark = new Mark(
                    attempt.actor().id(),
                    attempt.activation().nodeId(),
                    attempt.activation().stamp(),
                    attempt.number(),
                    attempt.startedAt());
            begins.begin(attempt.actor().role(), mark, begun -> helpers.execute(() -> begun(attempt, begun)));
        }
    }

    private void release(HttpAttempt attempt) {
        if (attempt.giveSlotBack()) {
            attempt.memory().close();
            queue.release(attempt.actor().role());
            pump();
        }
    }

    private void begun(HttpAttempt attempt, @Nullable Begun begun) {
        InstanceActor actor = attempt.actor();
        if (!attempt.isWanted()) {
            release(attempt);
            return;
        }
        if (begun == null) {
            release(attempt);
            actor.post((self, drain) -> {
                self.readAgain();
                return true;
            });
            return;
        }
        actor.post((self, drain) -> {
            self.shown().written(attempt.activation());
            return true;
        });
        String refused = RequestPrivilege.refuse(attempt.effect().request(), begun);
        if (refused != null) {
            notSent(attempt, HttpOutcome.BLOCKED, refused);
            return;
        }
        privileges.check(
                attempt,
                begun,
                without -> helpers.execute(() -> {
                    if (!attempt.isWanted()) {
                        release(attempt);
                    } else if (without == null) {
                        send(attempt, begun);
                    } else {
                        notSent(attempt, HttpOutcome.BLOCKED, without);
                    }
                }));
    }

    private void notSent(HttpAttempt attempt, HttpOutcome outcome, String message) {
        statistics.http().count(outcome);
        RequestLog.failed(attempt, outcome, message, 0);
        failed(attempt, message, null, null);
    }

    private void send(HttpAttempt attempt, Begun begun) {
        HttpRequest request;
        try {
            request = secrets.resolve(attempt.effect().request());
        } catch (HttpStepException e) {
            notSent(attempt, e.outcome(), String.valueOf(e.getMessage()));
            return;
        }
        String key = IdempotencyKey.of(
                begun.instance(),
                begun.started(),
                begun.node(),
                attempt.effect().step());
        long from = nanos.getAsLong();
        statistics.http().began();
        HttpPort.Sent exchange = http.send(request, key, attempt.actor().role(), attempt.memoryOfAnswer());
        exchange.answer()
                .whenComplete((answer, failure) ->
                        helpers.execute(() -> ended(attempt, answer, failure, nanos.getAsLong() - from)));
        attempt.sentAs(exchange);
    }

    private void ended(HttpAttempt attempt, @Nullable Answer answer, @Nullable Throwable failure, long nanos) {
        if (answer != null) {
            statistics.http().ended(answer.outcome(), nanos, answer.bytes());
            statistics.stepEnded(attempt.report(StepReport.Outcome.COMPLETED, null, clock.instant()));
            RequestLog.answered(attempt, answer);
            decide(
                    attempt,
                    new Event.StepSucceeded(
                            attempt.activation(),
                            new Result(
                                    answer.envelope(attempt.effect().request().options()), null),
                            attempt.effect().request().text(),
                            attempt.startedAt(),
                            attempt.number(),
                            clock.instant()));
            return;
        }
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        if (!(cause instanceof HttpStepException refused)) {
            statistics.http().ended(HttpOutcome.CONNECTION_FAILED, nanos, 0);
            failed(attempt, "HTTP request failed: " + attempt.effect().request().url() + " - " + cause, null, null);
            return;
        }
        statistics.http().ended(refused.outcome(), nanos, 0);
        if (refused.outcome() == HttpOutcome.CANCELED) {
            release(attempt);
            return;
        }
        RequestLog.failed(attempt, refused.outcome(), String.valueOf(refused.getMessage()), nanos);
        if (refused.memoryWanted() > 0 && attempt.wanted() < memory.most()) {
            again(attempt, refused.memoryWanted());
            return;
        }
        failed(attempt, String.valueOf(refused.getMessage()), refused.status(), refused.retryAfter());
    }

    private void failed(HttpAttempt attempt, String message, @Nullable Integer status, @Nullable String retryAfter) {
        statistics.stepEnded(attempt.report(StepReport.Outcome.FAILED, message, clock.instant()));
        decide(
                attempt,
                new Event.RequestFailed(
                        attempt.activation(),
                        message,
                        status,
                        retryAfter,
                        attempt.effect().request().text(),
                        attempt.startedAt(),
                        attempt.number(),
                        clock.instant()));
    }

    /** The slot is given back once the answer is written, so that an orderly end waits for that too. */
    private void decide(HttpAttempt attempt, Event event) {
        InstanceActor actor = attempt.actor();
        actor.post(new Answered(attempt, event));
        actor.post(new Release(attempt));
    }

    private final class Answered implements Message {

        private final HttpAttempt attempt;
        private final Event event;

        Answered(HttpAttempt attempt, Event event) {
            this.attempt = attempt;
            this.event = event;
        }

        @Override
        public boolean handle(InstanceActor self, Drain drain) {
            self.attempts().remove(attempt.activation(), attempt);
            return self.decide(event, Map.of());
        }

        @Override
        public void dropped() {
            release(attempt);
        }
    }

    private final class Release implements Message {

        private final HttpAttempt attempt;

        Release(HttpAttempt attempt) {
            this.attempt = attempt;
        }

        @Override
        public boolean handle(InstanceActor self, Drain drain) {
            release(attempt);
            return true;
        }

        @Override
        public void dropped() {
            release(attempt);
        }
    }

    /** Requests that wait. */
    public int queued() {
        return queue.queued();
    }

    /** Requests that are under way, or whose answer is not yet written. */
    public int inUse() {
        return queue.inUse();
    }

    /** Nothing begins any more. */
    public void close() {
        queue.close();
    }

    /** Ends all connections. */
    public void end() {
        http.close();
    }
}
