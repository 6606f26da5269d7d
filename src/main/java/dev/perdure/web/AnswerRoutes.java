package dev.perdure.web;

import dev.perdure.flow.template.Addresses;
import dev.perdure.store.Address;
import dev.perdure.web.answer.AnswerDesk;
import dev.perdure.web.answer.AnswerDesk.Outcome;
import dev.perdure.web.api.Api;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The addresses that steps hand out: their holders need no login. An address that no key has signed is answered before anything is
 * read, and alike, whatever is wrong with it. Threads and places of their own: who has an address can neither hold up the dashboard, nor
 * the other way round.
 */
final class AnswerRoutes {

    /** The beginning of the paths of all addresses. */
    static final String BASE = Api.BASE + "/answers/";

    private static final String ADDRESS = "perdure.address";
    private static final int THREADS = 2;
    private static final int WAITING = 50;

    private final AnswerDesk desk;
    private final boolean readOnly;
    private final InstantSource clock;
    private final long maxBody;
    private final AtomicInteger waiting = new AtomicInteger();
    /** The callers for whom the keys are read. */
    private final AtomicInteger reading = new AtomicInteger();

    private final WorkerExecutor workers;

    /**
     * Those of a database.
     *
     * @param name that threads have
     */
    AnswerRoutes(Vertx vertx, String name, AnswerDesk desk, InstantSource clock, long maxBody, boolean readOnly) {
        this.desk = desk;
        this.clock = clock;
        this.maxBody = maxBody;
        this.readOnly = readOnly;
        this.workers = vertx.createSharedWorkerExecutor(name, THREADS, 1, TimeUnit.MINUTES);
    }

    void addTo(Router router) {
        String path = BASE + desk.place() + ":address";
        router.get(path).handler(this::open).handler(this::show);
        router.post(path).handler(this::open);
        router.post(path).handler(this::enter);
        router.post(path).handler(BodyHandler.create(false).setBodyLimit(maxBody));
        router.post(path).handler(this::answer);
        router.route(path).handler(context -> {
            context.response().putHeader("Allow", "GET, POST");
            refuse(context, Problem.of(405, "An answer is sent with POST"));
        });
    }

    void close() {
        workers.close();
        desk.close();
    }

    private void open(RoutingContext context) {
        String signed = signed(context);
        if (!desk.wantsKeys(signed)) {
            opened(context, signed);
            return;
        }
        if (reading.incrementAndGet() > WAITING) {
            reading.decrementAndGet();
            refuse(context, Problem.later(503, "Too many answers at the same time", 2));
            return;
        }
        context.request().pause();
        workers.executeBlocking(
                        () -> {
                            // Of many that have waited here one reads.
                            if (desk.wantsKeys(signed)) {
                                desk.readKeys();
                            }
                            return null;
                        },
                        false)
                .onComplete(read -> {
                    reading.decrementAndGet();
                    context.request().resume();
                    if (read.succeeded()) {
                        opened(context, signed);
                    } else {
                        refuse(context, Reply.problem(read.cause()));
                    }
                });
    }

    private void opened(RoutingContext context, String signed) {
        Address address = desk.open(signed);
        if (address == null) {
            failed(context, Outcome.UNKNOWN);
        } else if (address.expires() <= clock.instant().getEpochSecond()) {
            failed(context, Outcome.EXPIRED);
        } else {
            context.put(ADDRESS, address);
            context.next();
        }
    }

    private void failed(RoutingContext context, Outcome outcome) {
        desk.count(outcome);
        refuse(context, problem(outcome));
    }

    private void show(RoutingContext context) {
        html(
                context,
                200,
                AnswerPage.question(context.get(ADDRESS), context.request().path()));
    }

    private void enter(RoutingContext context) {
        if (readOnly) {
            refuse(context, Problem.of(403, "Nothing can be changed here (perdure.web.read-only)"));
        } else if (!AnswerBody.isTaken(context.request().getHeader("Content-Type"))) {
            refuse(
                    context,
                    Problem.of(415, "The body has to be JSON, a form (application/x-www-form-urlencoded) or text"));
        } else if (waiting.incrementAndGet() > WAITING) {
            waiting.decrementAndGet();
            refuse(context, Problem.later(503, "Too many answers at the same time", 2));
        } else {
            context.addEndHandler(ignored -> waiting.decrementAndGet());
            context.next();
        }
    }

    private void answer(RoutingContext context) {
        Address address = context.get(ADDRESS);
        String signed = signed(context);
        try {
            byte[] body = context.body().buffer() == null
                    ? new byte[0]
                    : context.body().buffer().getBytes();
            String data = AnswerBody.data(context.request().getHeader("Content-Type"), body);
            String sent = address.kind() == Addresses.DECISION ? AnswerBody.comment(data) : data;
            Future<Outcome> outcome = workers.executeBlocking(() -> desk.answer(signed, address, sent), false);
            outcome.onSuccess(what -> said(context, what)).onFailure(cause -> refuse(context, Reply.problem(cause)));
        } catch (Problem e) {
            refuse(context, e);
        }
    }

    private void said(RoutingContext context, Outcome outcome) {
        desk.count(outcome);
        if (outcome != Outcome.DONE && outcome != Outcome.ALREADY_DONE) {
            refuse(context, problem(outcome));
        } else if (wantsPage(context)) {
            html(
                    context,
                    200,
                    AnswerPage.said(
                            outcome == Outcome.DONE
                                    ? "Thank you: the workflow goes on"
                                    : "The answer was given already",
                            context.request().path()));
        } else {
            Reply.json(
                    context.response(),
                    200,
                    outcome == Outcome.DONE ? "{\"answer\":\"done\"}" : "{\"answer\":\"already done\"}");
        }
    }

    /** For whatever is no address. */
    static Problem unknown() {
        return Problem.of(404, "There is nothing here");
    }

    private static Problem problem(Outcome outcome) {
        return switch (outcome) {
            case DONE, ALREADY_DONE -> throw new IllegalArgumentException("no problem");
            case UNKNOWN -> unknown();
            case EXPIRED -> Problem.of(410, "This address has expired");
            case ENDED -> Problem.of(410, "The workflow that has asked has ended");
            case OUTDATED -> Problem.of(410, "The workflow has asked again since: a newer address works");
            case REFUSED -> Problem.of(403, "The role whose workflow has asked may not do this");
            case NOTHING_TO_DECIDE -> Problem.of(409, "There is nothing to decide: not yet, or not any more");
            case SEVERAL_TO_DECIDE ->
                Problem.of(409, "The workflow waits for several decisions: which one is meant is not clear");
            case BUSY -> Problem.later(503, "The workflow is busy", 1);
        };
    }

    private static String signed(RoutingContext context) {
        String signed = context.pathParam("address");
        return signed == null ? "" : signed;
    }

    /** A browser that somebody sits at. */
    private static boolean wantsPage(RoutingContext context) {
        String accept = context.request().getHeader("Accept");
        return accept != null && accept.contains("text/html");
    }

    static void refuse(RoutingContext context, Problem problem) {
        if (context.request().method() == HttpMethod.POST && !context.request().isEnded()) {
            Reply.closeConnection(context);
        }
        if (!wantsPage(context)) {
            Reply.problem(context.response(), problem);
            return;
        }
        if (problem.retryAfterSeconds() > 0) {
            context.response().putHeader("Retry-After", Integer.toString(problem.retryAfterSeconds()));
        }
        html(
                context,
                problem.status(),
                AnswerPage.said(problem.title(), context.request().path()));
    }

    private static void html(RoutingContext context, int status, String page) {
        if (!context.response().ended() && !context.response().closed()) {
            context.response()
                    .setStatusCode(status)
                    .putHeader("Content-Type", "text/html; charset=utf-8")
                    .end(page);
        }
    }
}
