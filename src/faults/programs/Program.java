import java.sql.Array;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/** As program.py, in Java. */
public class Program {

    private record Claimed(String token, String ledger, int number) {}

    public static void main(String[] arguments) throws InterruptedException {
        while (true) {
            try (Connection db = DriverManager.getConnection(arguments[0])) {
                db.setNetworkTimeout(Runnable::run, 20_000);
                while (true) {
                    work(db, arguments[1]);
                }
            } catch (SQLException e) {
                Thread.sleep(200); // the server is down, or the connection was cut
            }
        }
    }

    private static void work(Connection db, String kind) throws SQLException, InterruptedException {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        boolean isShort = random.nextInt(10) < 4;
        db.setAutoCommit(!isShort);
        try {
            List<Claimed> claimed = claim(db, kind, List.of(1, 1, 5, 50).get(random.nextInt(4)));
            int luck = random.nextInt(100);
            if (luck == 0 && !isShort && !claimed.isEmpty()) {
                Thread.sleep(3000); // longer than a lease
            } else if (luck < 20) {
                Thread.sleep(random.nextInt(50));
                for (Claimed one : claimed) {
                    call(db, "SELECT df.extend_activity(?, '2 s', '1')", one.token());
                }
            } else if (luck < 22 && !claimed.isEmpty()) {
                call(db, "SELECT df.fail_activity(?, 'it is odd', code => 'odd')", claimed.remove(0).token());
            }
            if (!claimed.isEmpty()) {
                db.setAutoCommit(false);
                writeAndComplete(db, claimed);
            }
            if (!db.getAutoCommit()) {
                db.commit();
            }
            say("completed", claimed.size());
        } catch (SQLException e) {
            if (!"DF004".equals(e.getSQLState())) {
                throw e;
            }
            if (!db.getAutoCommit()) {
                db.rollback();
            }
            say("refused", 1);
        }
    }

    private static List<Claimed> claim(Connection db, String kind, int most) throws SQLException {
        List<Claimed> claimed = new ArrayList<>();
        try (PreparedStatement statement = db.prepareStatement(
                "SELECT token, payload ->> 'ledger', (payload ->> 'n')::int FROM df.claim_activities(?, ?, '500 ms')")) {
            statement.setString(1, kind);
            statement.setInt(2, most);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    claimed.add(new Claimed(row.getString(1), row.getString(2), row.getInt(3)));
                }
            }
        }
        return claimed;
    }

    private static void writeAndComplete(Connection db, List<Claimed> claimed) throws SQLException {
        try (PreparedStatement written =
                db.prepareStatement("INSERT INTO app.written (ledger, number, by) VALUES (?, ?, 'java')")) {
            for (Claimed one : claimed) {
                written.setString(1, one.ledger());
                written.setInt(2, one.number());
                written.executeUpdate();
            }
        }
        if (claimed.size() == 1) {
            call(db, "SELECT df.complete_activity(?, '{\"n\": " + claimed.get(0).number() + "}')", claimed.get(0).token());
        } else {
            Array tokens = db.createArrayOf("text", claimed.stream().map(Claimed::token).toArray());
            call(db, "SELECT df.complete_activities(?)", tokens);
        }
    }

    private static void call(Connection db, String sql, Object value) throws SQLException {
        try (PreparedStatement statement = db.prepareStatement(sql)) {
            statement.setObject(1, value);
            statement.executeQuery().close();
        }
    }

    private static void say(String word, int number) {
        if (number > 0) {
            System.out.println(word + " " + number);
        }
    }
}
