package dev.perdure.step;

import dev.perdure.database.Failure;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.template.Statement;
import dev.perdure.session.StepFailedException;
import dev.perdure.session.StepSession;
import dev.perdure.session.wire.Command;
import dev.perdure.session.wire.Command.Argument;
import dev.perdure.session.wire.Grant;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.Oid;

/** Reads the rows of a statement through a cursor, and writes them down as items of a map, so many at a time that they are small together. */
final class ItemsReader {

    private static final String FREEZE = "SELECT df.checkpoint_map($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    private static final String OPEN = "DECLARE perdure_items NO SCROLL CURSOR FOR ";
    private static final int FIRST = 50;
    private static final int MOST = 1000;
    private static final long CHUNK_BYTES = 256 * 1024;
    /** Comments and blanks before the first word. */
    private static final Pattern BEFORE = Pattern.compile("^(?:\\s+|--[^\\n]*(?:\\n|$)|/\\*(?s:.*?)\\*/|\\()*");

    private static final Set<String> QUERIES = Set.of("SELECT", "VALUES", "TABLE");
    /** Statements without a cursor: those that change rows, or make a table. */
    private static final Pattern CHANGES =
            Pattern.compile("\\b(INSERT|UPDATE|DELETE|MERGE|INTO)\\b", Pattern.CASE_INSENSITIVE);

    private final StepSession session;
    private final RowsReader reader;
    private final long maxResultSize;

    ItemsReader(StepSession session, RowsReader reader, long maxResultSize) {
        this.session = session;
        this.reader = reader;
        this.maxResultSize = maxResultSize;
    }

    /** Whether a cursor can be opened for a statement; false when that is not certain. */
    static boolean canRead(String sql) {
        String begins = BEFORE.matcher(sql).replaceFirst("");
        int end = 0;
        while (end < begins.length() && Character.isLetter(begins.charAt(end))) {
            end++;
        }
        String word = begins.substring(0, end).toUpperCase(Locale.ROOT);
        return (QUERIES.contains(word) || word.equals("WITH"))
                && !CHANGES.matcher(sql).find();
    }

    StepPort.Executed read(Statement statement, StepPort.ItemsTarget target, Grant grant) {
        List<Argument> arguments = new ArrayList<>();
        statement.parameters().forEach(parameter -> arguments.add(text(Oid.UNSPECIFIED, parameter.text())));
        StepSession.Ran opened =
                session.begin(List.of(new Command(OPEN + statement.sql(), arguments)), 0, grant, maxResultSize);
        if (opened.failure() != null) {
            return failed(opened.failure());
        }
        long total = 0;
        String columns = null;
        int most = FIRST;
        List<Command> before = List.of();
        while (true) {
            Chunk memory = new Chunk(grant);
            StepSession.Ran ran = session.goOn(
                    before, new Command("FETCH FORWARD " + most + " FROM perdure_items"), memory, maxResultSize);
            if (ran.failure() != null) {
                return failed(ran.failure());
            }
            Result rows;
            try {
                rows = reader.read(ran.replies().get(0), session.connection(), memory);
            } catch (StepFailedException e) {
                return failed(e.failure());
            } catch (SQLException e) {
                return failed(Failure.ofStep(e));
            }
            int count = Math.toIntExact(ran.replies().get(0).rows().count());
            columns = rows.columns();
            boolean isLast = count < most;
            Command part = freeze(target.part(total + 1, columns, rows.json(), isLast ? total + count : null));
            total += count;
            most = next(most, count, rows.json().length());
            memory.giveBack();
            if (isLast) {
                StepSession.Ran last = session.goOn(List.of(part), null, grant, maxResultSize);
                return last.failure() == null ? written(total, columns) : failed(last.failure());
            }
            before = List.of(part);
        }
    }

    private static StepPort.Executed written(long total, @Nullable String columns) {
        return new StepPort.Executed(List.of(new Result("{\"rows\":[],\"row_count\":" + total + "}", columns)), null);
    }

    /** A failure of the statement; a transient one when another session writes the same items down. */
    private static StepPort.Executed failed(Failure failure) {
        boolean isOurs = "DF001".equals(failure.sqlState()) || "DF002".equals(failure.sqlState());
        return new StepPort.Executed(List.of(), isOurs ? failure.as(Failure.Kind.TRANSIENT) : failure);
    }

    private static int next(int most, int count, int chars) {
        if (count == 0) {
            return most;
        }
        long fitting = CHUNK_BYTES * count / Math.max(1, chars);
        return (int) Math.max(1, Math.min(Math.min(MOST, 2L * most), fitting));
    }

    private static Command freeze(StepPort.FrozenItems items) {
        return new Command(
                FREEZE,
                List.of(
                        new Argument(Oid.BYTEA, null, items.token()),
                        text(Oid.INT8, Long.toString(items.epoch())),
                        text(Oid.TEXT, items.subject()),
                        text(Oid.TEXT, items.node()),
                        text(Oid.TEXT, items.stamp()),
                        text(Oid.INT8, Long.toString(items.first())),
                        text(Oid.TEXT, items.columns()),
                        text(Oid.TEXT, items.rows()),
                        text(Oid.INT8, items.total() == null ? null : Long.toString(items.total()))));
    }

    private static Argument text(int oid, @Nullable String text) {
        return new Argument(oid, text, null);
    }

    /** Memory for the rows of one part. */
    private static final class Chunk implements Grant {

        private final Grant grant;
        private long taken;

        Chunk(Grant grant) {
            this.grant = grant;
        }

        @Override
        public boolean take(long bytes) {
            boolean has = grant.take(bytes);
            taken += has ? bytes : 0;
            return has;
        }

        @Override
        public void giveBack(long bytes) {
            taken -= bytes;
            grant.giveBack(bytes);
        }

        void giveBack() {
            grant.giveBack(taken);
            taken = 0;
        }
    }
}
