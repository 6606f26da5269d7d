package dev.perdure.bench;

import dev.perdure.database.DatabaseUrl;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/** A map of activities, and programs that do them: each writes a row for each, in the transaction that completes it. */
final class ActivityLoad {

    private static final String MANY =
            """
            WITH claimed AS MATERIALIZED (SELECT token FROM df.claim_activities('bench', ?, '1 s')),
            written AS (INSERT INTO bench_effects SELECT 1 FROM claimed)
            SELECT df.complete_activities(coalesce(array_agg(token), '{}'), array_agg('{"n": 1}'::jsonb)) FROM claimed
            """;
    private static final String ONE =
            """
            WITH claimed AS MATERIALIZED (SELECT token FROM df.claim_activities('bench', ?, '1 s')),
            written AS (INSERT INTO bench_effects SELECT 1 FROM claimed)
            SELECT count(df.complete_activity(token, '{"n": 1}')) FROM claimed
            """;

    private final DatabaseUrl user;
    private final int items;
    private final int programs;
    private final int batch;
    private final LongAdder claims = new LongAdder();
    private final LongAdder empty = new LongAdder();

    /** @param batch how many a program claims and completes in one transaction */
    ActivityLoad(DatabaseUrl user, int items, int programs, int batch) {
        this.user = user;
        this.items = items;
        this.programs = programs;
        this.batch = batch;
    }

    /** How many a claim got that got some. */
    double perClaim() {
        return (double) items / claims.sum();
    }

    /** Claims that waited for a second in vain. */
    long emptyClaims() {
        return empty.sum();
    }

    /** Activities a second, the worker's part included: from the start of the map to its end. */
    double perSecond() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(programs);
        try (Connection connection = user.connect();
                PreparedStatement start = connection.prepareStatement("SELECT df.start(df.map('SELECT g AS id FROM generate_series(1, "
                        + items + ") AS g', df.activity('bench', '{\"id\": $item.id}'), max_concurrent => 2000))");
                PreparedStatement end = connection.prepareStatement("SELECT df.await_instance(?, 600)")) {
            long began = System.nanoTime();
            String id = text(start);
            AtomicInteger left = new AtomicInteger(items);
            List<Future<?>> done = new ArrayList<>();
            for (int i = 0; i < programs; i++) {
                done.add(threads.submit(() -> {
                    work(left);
                    return null;
                }));
            }
            for (Future<?> program : done) {
                program.get();
            }
            end.setString(1, id);
            String how = text(end);
            if (!how.equals("completed")) {
                throw new IllegalStateException("The map of activities is " + how);
            }
            return items / ((System.nanoTime() - began) / 1e9);
        } finally {
            threads.shutdownNow();
        }
    }

    private void work(AtomicInteger left) throws SQLException {
        try (Connection connection = user.connect();
                PreparedStatement statement = connection.prepareStatement(batch == 1 ? ONE : MANY)) {
            statement.setInt(1, batch);
            while (left.get() > 0) {
                int done = Integer.parseInt(text(statement));
                left.addAndGet(-done);
                (done == 0 ? empty : claims).increment();
            }
        }
    }

    private static String text(PreparedStatement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getString(1);
        }
    }
}
