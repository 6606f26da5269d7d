package dev.perdure.control;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.perdure.database.LogText;
import dev.perdure.flow.schedule.SchedulePlan;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Runs all due schedules, a page at a time: reads them, decides in {@code flow.schedule}, and writes run rows, instances and the next
 * planned time of each in one commit. Thread-safe.
 */
public final class Schedules {

    private static final Logger LOG = Logger.getLogger(Schedules.class);
    private static final JsonMapper JSON = new JsonMapper();

    /** Most schedules that are read at once, and most rows that are written at once, unless one schedule has more. */
    private static final int PAGE = 200;

    private static final int ROWS = 2_000;
    private static final String OK = "ok";
    private static final String AGAIN = "again";
    private static final String FAILED = "failed:";
    private static final int STATE_ENDS = FAILED.length() + 5;

    /** Classes of errors that the definition causes, and will cause again: data, names, rights, sizes. Others may pass. */
    private static final Set<String> LASTING = Set.of("22", "23", "42", "54", "P0");

    private final Map<SchedulePlan.Outcome, LongAdder> outcomes = new EnumMap<>(SchedulePlan.Outcome.class);

    public Schedules() {
        for (SchedulePlan.Outcome outcome : SchedulePlan.Outcome.values()) {
            outcomes.put(outcome, new LongAdder());
        }
    }

    /** Number of planned times with this decision since the process began. */
    public long count(SchedulePlan.Outcome outcome) {
        LongAdder counted = outcomes.get(outcome);
        return counted == null ? 0 : counted.sum();
    }

    /**
     * Runs the schedules that are due at a moment.
     *
     * @param epoch of this worker's term; with SQLSTATE DF002 it is over
     * @param now null for the server's own time
     * @return how often something was done with a schedule
     */
    public int turn(Connection connection, long epoch, @Nullable Instant now) throws SQLException {
        int done = 0;
        int before;
        do {
            before = done;
            List<DueSchedule> due = due(connection, epoch, now);
            for (int from = 0; from < due.size(); ) {
                List<DueSchedule.Decision> page = page(due, from);
                done += carryOut(connection, epoch, page);
                from += page.size();
            }
            // What is locked, or not as it was read, is done at the next turn.
        } while (done > before);
        return done;
    }

    private static List<DueSchedule.Decision> page(List<DueSchedule> due, int from) {
        List<DueSchedule.Decision> page = new ArrayList<>();
        int rows = 0;
        for (int i = from; i < due.size() && rows < ROWS; i++) {
            DueSchedule.Decision decision = due.get(i).decide();
            rows += 1 + decision.runs().size();
            page.add(decision);
        }
        return page;
    }

    private int carryOut(Connection connection, long epoch, List<DueSchedule.Decision> page) throws SQLException {
        List<DueSchedule.Decision> left = page;
        int done = 0;
        while (!left.isEmpty()) {
            List<String> answers = run(connection, epoch, left);
            List<DueSchedule.Decision> next = new ArrayList<>();
            for (int i = 0; i < answers.size(); i++) {
                DueSchedule.Decision instead = answered(left.get(i), answers.get(i));
                if (instead != null) {
                    next.add(instead);
                }
                // What goes on is due again, behind what others have due by then.
                done += answers.get(i).equals(OK) || answers.get(i).equals(AGAIN) ? 1 : 0;
            }
            // Those that had no answer come first: the others have had their turn.
            next.addAll(0, left.subList(answers.size(), left.size()));
            left = next;
        }
        return done;
    }

    /** What is done with a schedule instead, at once; null when that is nothing. */
    private DueSchedule.@Nullable Decision answered(DueSchedule.Decision decision, String answer) {
        if (answer.equals(OK)) {
            decision.runs().forEach(run -> count(run.outcome(), 1));
        } else if (answer.startsWith(FAILED)) {
            LOG.warnf(
                    "Schedule %d: what is due cannot be started: %s",
                    decision.schedule().id(), LogText.of(answer));
            if (!decision.pauses() && LASTING.contains(answer.substring(FAILED.length(), FAILED.length() + 2))) {
                return decision.schedule().pause(answer.substring(STATE_ENDS + 1));
            }
        }
        return null;
    }

    private void count(SchedulePlan.Outcome outcome, int more) {
        LongAdder counted = outcomes.get(outcome);
        if (counted != null) {
            counted.add(more);
        }
    }

    private static List<DueSchedule> due(Connection connection, long epoch, @Nullable Instant now) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT * FROM df._due_schedules(?, ?, ?)")) {
            statement.setLong(1, epoch);
            statement.setObject(
                    2,
                    now == null ? null : OffsetDateTime.ofInstant(now, ZoneOffset.UTC),
                    Types.TIMESTAMP_WITH_TIMEZONE);
            statement.setInt(3, PAGE);
            List<DueSchedule> due = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    due.add(DueSchedule.of(rows));
                }
            }
            return due;
        }
    }

    private static List<String> run(Connection connection, long epoch, List<DueSchedule.Decision> page)
            throws SQLException {
        ArrayNode plans = JSON.createArrayNode();
        page.forEach(decision -> plans.add(decision.plan()));
        try (PreparedStatement statement =
                connection.prepareStatement("SELECT * FROM df._run_schedules(?, ?::jsonb)")) {
            statement.setLong(1, epoch);
            statement.setString(2, plans.toString());
            List<String> answers = new ArrayList<>(page.size());
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    answers.add(rows.getString(1));
                }
            }
            return answers;
        }
    }
}
