package dev.perdure.engine;

import dev.perdure.flow.template.HttpRequest;
import dev.perdure.step.http.Answer;
import dev.perdure.step.http.AnswerMemory;
import dev.perdure.step.http.HttpOutcome;
import dev.perdure.step.http.HttpPort;
import dev.perdure.step.http.HttpSettings;
import dev.perdure.step.http.HttpStepException;
import io.vertx.core.MultiMap;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Requests of one worker to somebody else's server: which answers late, or not, or says that it is busy, or is cut off. */
final class SimHttp implements HttpPort {

    /** That server: what it has received, by whom it was sent. */
    static final class Server {

        private record Received(String url, SimHttp by) {}

        private final Map<String, List<Received>> byKey = new HashMap<>();
        private int number;

        private int receive(String key, String url, SimHttp by) {
            byKey.computeIfAbsent(key, ignored -> new ArrayList<>()).add(new Received(url, by));
            return ++number;
        }

        /** A request that has an answer has arrived. */
        void checkReceived(String request) {
            boolean isReceived = byKey.values().stream()
                    .anyMatch(all -> request.contains('"' + all.get(0).url() + '"'));
            if (!isReceived) {
                throw new AssertionError("a request was answered that was never received: " + request);
            }
        }

        /** The largest number of times that a worker has sent a request. */
        long mostByOneWorker() {
            return byKey.values().stream()
                    .flatMap(
                            all -> all.stream()
                                    .collect(Collectors.groupingBy(Received::by, Collectors.counting()))
                                    .values()
                                    .stream())
                    .max(Long::compare)
                    .orElse(0L);
        }

        /** One key is one step. */
        void check() {
            byKey.forEach((key, all) -> {
                if (all.stream().map(Received::url).distinct().count() != 1) {
                    throw new AssertionError("steps with the same key " + key + ": " + all);
                }
                SimFaults.met(all.size() == 1 ? "http: received once" : "http: received again");
            });
        }
    }

    private static final HttpSettings SETTINGS = new HttpSettings(
            4,
            3,
            Duration.ofSeconds(1),
            Duration.ofSeconds(30),
            1 << 20,
            Optional.empty(),
            Optional.empty(),
            "simulation");

    private final Server server;
    private final SimScheduler scheduler;
    private final SimFaults faults;
    private final Set<String> open = new HashSet<>();

    SimHttp(Server server, SimScheduler scheduler, SimFaults faults) {
        this.server = server;
        this.scheduler = scheduler;
        this.faults = faults;
    }

    /** Requests that are under way. */
    int open() {
        return open.size();
    }

    @Override
    public HttpSettings settings() {
        return SETTINGS;
    }

    @Override
    public Sent send(HttpRequest request, String key, long role, AnswerMemory memory) {
        if (!open.add(key)) {
            throw new AssertionError("a worker sends the same request twice at the same time: " + request.url());
        }
        if (open.size() > SETTINGS.maxConcurrent()) {
            throw new AssertionError(open.size() + " requests are under way");
        }
        Exchange exchange = new Exchange(key, memory);
        scheduler.after(faults.latency(), () -> {
            if (faults.losesConnection()) {
                exchange.fail(HttpOutcome.CONNECTION_FAILED, null);
            } else if (!exchange.answer.isDone()) {
                int number = server.receive(key, request.url(), this);
                scheduler.after(faults.execution(), () -> exchange.answered(number));
            }
        });
        return exchange;
    }

    private final class Exchange implements Sent {

        private final CompletableFuture<Answer> answer = new CompletableFuture<>();
        private final String key;
        private final AnswerMemory memory;

        Exchange(String key, AnswerMemory memory) {
            this.key = key;
            this.memory = memory;
        }

        private void answered(int number) {
            if (answer.isDone()) {
                return;
            }
            if (faults.losesConnection()) {
                fail(HttpOutcome.FAILED, null);
            } else if (faults.isTransient()) {
                fail(HttpOutcome.STATUS_5XX, 503);
            } else if (!memory.take(10_000)) {
                // It waits on its connection.
                scheduler.after(50_000_000, () -> answered(number));
            } else {
                byte[] body = ("{\"received\":" + number + "}").getBytes(StandardCharsets.UTF_8);
                end(
                        "an answer",
                        () -> answer.complete(
                                Answer.of(200, MultiMap.caseInsensitiveMultiMap(), body, body.length, 1)));
            }
        }

        private void fail(HttpOutcome outcome, @Nullable Integer status) {
            end(
                    outcome.name(),
                    () -> answer.completeExceptionally(new HttpStepException(outcome, "no answer", status, null)));
        }

        private void end(String how, Runnable end) {
            if (!answer.isDone()) {
                SimFaults.met("http: " + how);
                open.remove(key);
                end.run();
            }
        }

        @Override
        public CompletionStage<Answer> answer() {
            return answer;
        }

        @Override
        public void cancel() {
            fail(HttpOutcome.CANCELED, null);
        }
    }

    @Override
    public void close() {}
}
