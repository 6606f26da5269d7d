package dev.perdure.step.http;

import dev.perdure.flow.template.HttpRequest;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.SocketAddress;
import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One request and its answer. Everything happens in one context of Vert.x, so one thing at a time; {@link #cancel} may come
 * from anywhere.
 */
public final class Exchange implements HttpPort.Sent {

    /** So many connections may turn out to be closed before anything was sent over them. */
    private static final int MAX_LOST_BEFORE_SENDING = 10;

    private static final int MAX_INTERIM = 20;

    private final HttpStep step;
    private final HttpRequest request;
    private final String key;
    private final long role;
    private final AnswerMemory memory;
    private final CompletableFuture<Answer> answer = new CompletableFuture<>();
    private final long begun = System.nanoTime();
    private final long seconds;
    private int lostBeforeSending;
    private int interim;
    private volatile @Nullable HttpClientRequest sent;
    private volatile @Nullable ResponseReader reader;
    private volatile long timer = -1;

    Exchange(HttpStep step, HttpRequest request, String key, long role, AnswerMemory memory) {
        this.role = role;
        this.memory = memory;
        this.step = step;
        this.request = request;
        this.key = key;
        this.seconds = Math.max(
                1,
                Math.min(request.timeoutSeconds(), step.settings().maxTimeout().toSeconds()));
    }

    @Override
    public CompletionStage<Answer> answer() {
        return answer;
    }

    @Override
    public void cancel() {
        fail(new HttpStepException(HttpOutcome.CANCELED, "canceled"));
    }

    void begin() {
        if (answer.isDone()) {
            return;
        }
        PreparedRequest prepared;
        try {
            prepared = PreparedRequest.of(request, key, step.settings().userAgent(), step.policy());
        } catch (HttpStepException e) {
            fail(e);
            return;
        }
        timer = step.vertx().setTimer(TimeUnit.SECONDS.toMillis(seconds), ignored -> timedOut());
        answer.whenComplete((done, failure) -> step.vertx().cancelTimer(timer));
        InetAddress literal = prepared.target().address();
        if (literal != null) {
            resolved(prepared, List.of(literal));
            return;
        }
        var context = step.vertx().getOrCreateContext();
        CompletableFuture<List<InetAddress>> lookup =
                step.resolver().resolve(prepared.target().host(), role);
        // With its slot a request gives up its place among the names.
        answer.whenComplete((done, failure) -> lookup.cancel(false));
        lookup.orTimeout(step.settings().connectTimeout().toMillis(), TimeUnit.MILLISECONDS)
                .whenComplete((addresses, failure) -> context.runOnContext(ignored -> {
                    if (failure == null) {
                        resolved(prepared, addresses);
                    } else {
                        notConnected("the host '" + prepared.target().host() + "' cannot be resolved"
                                + (failure instanceof TimeoutException ? ": no answer in time" : ""));
                    }
                }));
    }

    private void resolved(PreparedRequest prepared, List<InetAddress> addresses) {
        try {
            connect(prepared, step.policy().permitted(prepared.target(), addresses), 0);
        } catch (HttpStepException e) {
            fail(e);
        }
    }

    /** Connects to one of the addresses that the policy permits; to the next one when that fails. */
    private void connect(PreparedRequest prepared, List<InetAddress> addresses, int index) {
        if (answer.isDone()) {
            return;
        }
        Target target = prepared.target();
        InetAddress address = addresses.get(index);
        RequestOptions options = new RequestOptions()
                // As a number: nothing resolves it a second time.
                .setServer(SocketAddress.inetSocketAddress(target.port(), address.getHostAddress()))
                .setHost(target.host())
                .setPort(target.port())
                .setSsl(target.tls())
                .setMethod(prepared.method())
                .setURI(target.uri())
                .setHeaders(prepared.headers())
                .setFollowRedirects(false);
        step.client().request(options).onComplete(connected -> {
            if (connected.succeeded()) {
                send(prepared, addresses, index, connected.result());
            } else if (ConnectionTrouble.isClosed(connected.cause()) && lostBeforeSending++ < MAX_LOST_BEFORE_SENDING) {
                // The server closed an idle connection in the moment in which it was to be used.
                connect(prepared, addresses, index);
            } else if (index + 1 < addresses.size()) {
                connect(prepared, addresses, index + 1);
            } else {
                notConnected(ConnectionTrouble.text(connected.cause()));
            }
        });
    }

    private void send(PreparedRequest prepared, List<InetAddress> addresses, int index, HttpClientRequest outgoing) {
        if (answer.isDone()) {
            outgoing.reset();
            return;
        }
        InetAddress address = addresses.get(index);
        if (!address.getHostAddress()
                .equals(outgoing.connection().remoteAddress().hostAddress())) {
            outgoing.reset();
            fail(HttpStepException.blocked("the connection to '"
                    + prepared.target().host() + "' leads to another address than the one that was checked"));
            return;
        }
        boolean reused = step.isReused(outgoing.connection());
        sent = outgoing;
        outgoing.exceptionHandler(ignored -> {
            // What fails is told by the response, too.
        });
        outgoing.earlyHintsHandler(ignored -> interim()).continueHandler(ignored -> interim());
        outgoing.response().onComplete(response -> {
            if (response.succeeded()) {
                answered(response.result());
            } else if (reused && ConnectionTrouble.isClosed(response.cause())) {
                // The server had closed the idle connection: the request has not reached it.
                connect(prepared, addresses, index);
            } else {
                broken(response.cause());
            }
        });
        if (prepared.body() == null) {
            outgoing.end();
        } else {
            outgoing.end(prepared.body());
        }
        if (answer.isDone()) {
            outgoing.reset();
        }
    }

    /** Answers that announce another one (1xx), of which a service can send without end. */
    private void interim() {
        if (++interim > MAX_INTERIM) {
            fail(new HttpStepException(
                    HttpOutcome.FAILED,
                    "HTTP request failed: " + request.url() + " - more than " + MAX_INTERIM
                            + " interim responses (1xx) came before the response"));
        }
    }

    private void answered(HttpClientResponse response) {
        Integer own = request.options().maxResponseBytes();
        boolean isOwn = own != null && own < step.settings().maxResponseSize();
        long limit = isOwn ? own : step.settings().maxResponseSize();
        ResponseReader reads = new ResponseReader(
                step.vertx(), response, limit, request.options().keepsBody(), memory, (body, failure) -> {
                    if (body != null) {
                        complete(response, body);
                    } else if (failure instanceof ResponseReader.TooLargeException) {
                        fail(new HttpStepException(
                                HttpOutcome.TOO_LARGE,
                                isOwn
                                        ? "HTTP request failed: " + request.url() + " - the response is larger than "
                                                + limit + " bytes (max_response_bytes)"
                                        : "HTTP request failed: " + request.url() + " - the response is larger than "
                                                + limit
                                                + " bytes, or what is stored of it would be larger than twice that (setting"
                                                + " perdure.http.max-response-size of the worker)"));
                    } else if (failure instanceof ResponseReader.NoMemoryException) {
                        fail(new HttpStepException(
                                HttpOutcome.NO_MEMORY,
                                "HTTP request failed: " + request.url()
                                        + " - the response needs more memory than one role can have (" + memory.most()
                                        + " bytes; setting perdure.memory.limit of the worker)"));
                    } else {
                        brokenInTheMiddle("Failed to read response body: " + ConnectionTrouble.text(failure));
                    }
                });
        reader = reads;
        reads.read();
    }

    private void brokenInTheMiddle(String problem) {
        ResponseReader reads = reader;
        if (reads != null && reads.hasWaitedForMemory()) {
            waitedForMemory(problem, reads);
        } else {
            fail(new HttpStepException(HttpOutcome.FAILED, problem));
        }
    }

    private void complete(HttpClientResponse response, ResponseReader.Body body) {
        long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);
        Answer came =
                Answer.of(response.statusCode(), response.headers(), body.kept().getBytes(), body.length(), millis);
        if (came.status() >= 500 && request.expect() == null) {
            fail(new HttpStepException(
                    came.outcome(),
                    request.nodeType() + " " + request.method() + " " + request.url() + " returned " + came.status()
                            + ": " + came.body().preview(),
                    came.status(),
                    came.retryAfter()));
        } else {
            answer.complete(came);
        }
    }

    private void timedOut() {
        ResponseReader reads = reader;
        if (reads != null && reads.hasWaitedForMemory()) {
            waitedForMemory("HTTP timeout after " + seconds + "s: " + request.url(), reads);
            return;
        }
        fail(new HttpStepException(HttpOutcome.TIMEOUT, "HTTP timeout after " + seconds + "s: " + request.url()));
    }

    /**
     * Fails an exchange whose answer waited for memory, whatever happened to it after that: a server closes a connection that is not read
     * from, too.
     */
    private void waitedForMemory(String problem, ResponseReader reads) {
        fail(HttpStepException.waitedForMemory(
                problem
                        + " - the response waited for memory, which other work of the role or the worker has (setting perdure.memory.limit"
                        + " of the worker)",
                reads.memoryWanted()));
    }

    private void notConnected(String detail) {
        fail(new HttpStepException(
                HttpOutcome.CONNECTION_FAILED, "HTTP connection failed: " + request.url() + " - " + detail));
    }

    private void broken(Throwable cause) {
        fail(new HttpStepException(
                HttpOutcome.FAILED, "HTTP request failed: " + request.url() + " - " + ConnectionTrouble.text(cause)));
    }

    private void fail(HttpStepException failure) {
        if (answer.completeExceptionally(failure)) {
            ResponseReader reads = reader;
            if (reads != null) {
                reads.giveUp();
            }
            HttpClientRequest under = sent;
            if (under != null) {
                under.reset();
            }
        }
    }
}
