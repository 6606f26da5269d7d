package dev.perdure.web.answer;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.OwnerSettings;
import dev.perdure.store.Address;
import dev.perdure.store.AddressKey;
import dev.perdure.web.Problem;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Knows the keys that sign addresses, and performs the action of an address, in sessions of the owner: the address is the only credential.
 * Thread-safe.
 */
public final class AnswerDesk implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(AnswerDesk.class);

    private static final String KEYS = "SELECT id, key FROM df._address_keys";
    private static final String ANSWER = "SELECT df._answer(?, ?, ?, ?, ?::pg_catalog.uuid, ?, ?, ?)";
    /** The session is lost, or on a server that takes no writes any more. */
    private static final Pattern OF_NO_USE = Pattern.compile("08.*|57P.*|25006");
    /** Sessions that are kept; as many as threads call. */
    private static final int KEPT = 2;
    /** After so long the keys are read once more, and for an unknown one not before so long. */
    private static final Duration KNOWN_FOR = Duration.ofMinutes(1);

    private static final Duration UNKNOWN_FOR = Duration.ofSeconds(2);

    private final DatabaseUrl url;
    private final InstantSource clock;
    private final AnswerCounts counts;
    private final String place;
    private final Deque<Connection> idle = new ArrayDeque<>();
    private volatile Map<Integer, AddressKey> keys = Map.of();
    private volatile long readAt;
    private boolean closed;

    /**
     * Connects when it is needed.
     *
     * @param place what names the database in the path of an address
     */
    public AnswerDesk(DatabaseUrl worker, String place, InstantSource clock, AnswerCounts counts) {
        this.place = place;
        this.url = worker.withParameter("application_name", "perdure-answers")
                .withSettings(OwnerSettings.with(Map.of(
                        "statement_timeout", "5s",
                        "lock_timeout", "1s",
                        "idle_in_transaction_session_timeout", "10s")));
        this.clock = clock;
        this.counts = counts;
        this.readAt = Long.MIN_VALUE;
    }

    /** An address was used, and this became of it. */
    public void count(Outcome outcome) {
        counts.add(outcome);
    }

    /** The name of the database in the path of an address. */
    public String place() {
        return place;
    }

    /** Whether the keys are to be read before an address can be opened. */
    public boolean wantsKeys(String signed) {
        int number = AddressKey.numberOf(signed);
        if (number < 0) {
            return false;
        }
        long age = clock.millis() - readAt;
        boolean isKnown = keys.containsKey(number);
        return readAt == Long.MIN_VALUE || age > (isKnown ? KNOWN_FOR : UNKNOWN_FOR).toMillis();
    }

    /** Reads the keys. Blocks. */
    public void readKeys() throws Problem {
        Map<Integer, AddressKey> found = new HashMap<>();
        Connection session = session();
        boolean works = false;
        try (Statement statement = session.createStatement();
                ResultSet rows = statement.executeQuery(KEYS)) {
            while (rows.next()) {
                found.put(rows.getInt(1), new AddressKey(rows.getInt(1), rows.getBytes(2)).at(place));
            }
            works = true;
        } catch (SQLException e) {
            throw notNow(e);
        } finally {
            giveBack(session, works);
        }
        keys = Map.copyOf(found);
        readAt = clock.millis();
    }

    /** The address that a key has signed; null for anything else. Does not block. */
    public @Nullable Address open(String signed) {
        AddressKey key = keys.get(AddressKey.numberOf(signed));
        return key == null ? null : key.open(signed);
    }

    /** The outcome of an answer, in the words of {@code df._answer}. */
    public enum Outcome {
        DONE,
        ALREADY_DONE,
        UNKNOWN,
        EXPIRED,
        ENDED,
        OUTDATED,
        REFUSED,
        NOTHING_TO_DECIDE,
        SEVERAL_TO_DECIDE,
        BUSY;

        private static Outcome of(String words) {
            return valueOf(words.toUpperCase(Locale.ROOT).replace(' ', '_'));
        }
    }

    /**
     * Performs the action of an address, once. Blocks.
     *
     * @param signed as it came, which {@link #open} has opened
     * @param data of the signal, a JSON text or any other; or the comment of the decision
     */
    public Outcome answer(String signed, Address address, String data) throws Problem {
        Connection session = session();
        boolean works = false;
        try (PreparedStatement call = session.prepareStatement(ANSWER)) {
            call.setInt(1, AddressKey.numberOf(signed));
            call.setString(2, address.action());
            call.setString(3, address.stamp());
            call.setString(4, address.node());
            call.setString(5, address.once());
            call.setLong(6, address.expires());
            call.setString(7, address.name());
            call.setString(8, data);
            try (ResultSet row = call.executeQuery()) {
                row.next();
                Outcome outcome = Outcome.of(row.getString(1));
                works = true;
                return outcome;
            }
        } catch (SQLException e) {
            works = e.getSQLState() != null
                    && !OF_NO_USE.matcher(e.getSQLState()).matches();
            return switch (String.valueOf(e.getSQLState())) {
                // Who has decided the task meanwhile, or holds what is needed.
                case "DF004" -> Outcome.NOTHING_TO_DECIDE;
                case "55P03", "57014", "40001", "40P01" -> Outcome.BUSY;
                // The data cannot be a signal's: too large, or with a zero.
                case "22023" -> throw Problem.of(e);
                default -> throw notNow(e);
            };
        } finally {
            giveBack(session, works);
        }
    }

    /** Hides the server's message, which is for us: the caller is not logged in. */
    private Problem notNow(SQLException e) {
        LOG.warnf("An answer to a step could not be taken: %s", url.hiddenIn(String.valueOf(e.getMessage())));
        return Problem.later(503, "The database does not answer", 5);
    }

    private Connection session() throws Problem {
        synchronized (idle) {
            Connection kept = idle.poll();
            if (kept != null) {
                return kept;
            }
        }
        try {
            return url.connect(Map.of("loginTimeout", "10"));
        } catch (SQLException e) {
            throw notNow(e);
        }
    }

    private void giveBack(Connection session, boolean works) {
        synchronized (idle) {
            if (works && !closed && idle.size() < KEPT) {
                idle.add(session);
                return;
            }
        }
        close(session);
    }

    private static void close(Connection session) {
        try {
            session.close();
        } catch (SQLException e) {
            LOG.debugf("Closing a session: %s", e.getMessage());
        }
    }

    @Override
    public void close() {
        synchronized (idle) {
            closed = true;
            idle.forEach(AnswerDesk::close);
            idle.clear();
        }
    }
}
