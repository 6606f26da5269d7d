package dev.perdure.session.wire;

import java.io.IOException;
import java.io.InputStream;
import java.sql.SQLException;
import org.postgresql.jdbc.PgConnection;

/** Reads NOTIFYs of a session that does nothing else, without ever keeping one. */
public final class Notifications {

    private final InputStream messages;

    private Notifications(InputStream messages) {
        this.messages = messages;
    }

    /**
     * Puts a filter under a connection that is idle.
     *
     * @param onEach called for each NOTIFY, by the thread that reads
     */
    public static Notifications of(PgConnection connection, Runnable onEach) throws SQLException {
        return new Notifications(Wire.filter(connection, onEach));
    }

    /** Reads until the connection ends. */
    public void read() throws IOException {
        byte[] unread = new byte[1024];
        while (messages.read(unread, 0, unread.length) >= 0) {
            // What else a server says to an idle session (a changed setting) is nothing to us.
        }
    }
}
