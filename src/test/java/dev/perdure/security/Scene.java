package dev.perdure.security;

import dev.perdure.engine.InProcessWorker;
import dev.perdure.engine.Served;
import dev.perdure.engine.Submitter;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Where an attack takes place: a database with a worker that leads, a submitter who attacks and one who only works. */
final class Scene implements AutoCloseable {

    private final Served served = new Served();
    private final List<Served.Timer> timers = new ArrayList<>();
    final TestDatabase database;
    final InProcessWorker worker;
    final Submitter mallory;
    final Submitter alice;

    private Scene(TestDatabase database, Map<String, String> settings) throws SQLException {
        this.database = database;
        this.worker = InProcessWorker.start(database, served.settings(settings));
        this.mallory = Submitter.of(database, "mallory");
        this.alice = Served.submitter(database, "alice");
        alice.execute("CREATE TABLE public.alices (step text)");
    }

    static Scene open(Map<String, String> settings) throws SQLException {
        return new Scene(PostgresServer.get().newDatabase(), settings);
    }

    static Scene open() throws SQLException {
        return open(Map.of());
    }

    /** A session of mallory's besides the one that starts. */
    Submitter anotherMallory() throws SQLException {
        return Submitter.of(database, "mallory");
    }

    /** What another worker of the same database needs to serve alice. */
    Map<String, String> settings() {
        return served.settings(Map.of());
    }

    /** Alice's work goes on as if nobody else were there: every kind of it, in time. */
    void assertAliceIsServed() throws SQLException {
        assertAliceIsServedAfterwards();
        assertTimersRan();
    }

    /** The same after an attack that is over. Her timer is not waited for, but looked at by {@link #assertTimersRan}. */
    void assertAliceIsServedAfterwards() throws SQLException {
        Submitter.Ended ended = alice.run("'INSERT INTO public.alices VALUES (''one'')' ~> 'SELECT 7 AS seven'");
        if (!ended.output().contains("\"seven\":7")) {
            throw new AssertionError("alice is not served: " + ended);
        }
        timers.add(served.assertServedBesideATimer(alice));
    }

    /** All her timers took as long as they shall. */
    void assertTimersRan() throws SQLException {
        for (Served.Timer timer : timers) {
            served.assertTimer(alice, timer);
        }
        timers.clear();
    }

    @Override
    public void close() throws SQLException {
        mallory.close();
        alice.close();
        worker.close();
        served.close();
    }
}
