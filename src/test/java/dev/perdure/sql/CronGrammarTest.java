package dev.perdure.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.flow.cron.CronSchedule;
import dev.perdure.flow.cron.InvalidCronException;
import dev.perdure.flow.cron.TimeZones;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.DateTimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What {@code df.wait_for_schedule} accepts, the worker understands, and the other way round. */
class CronGrammarTest {

    private static final List<String> TEXTS = List.of(
            "* * * * *",
            "0 0 1 1 0",
            "59 23 31 12 7",
            "*/15 9-17/2 1,15 jan-MAR Mon-fri",
            "5/10 * * * *",
            "  0   8 * * sun ",
            "0\t8\n*\r* 1",
            "@hourly",
            "@Daily",
            "@WEEKLY",
            "@monthly",
            "@yearly",
            "@annually",
            "@midnight",
            " @daily ",
            "@ daily",
            "@reboot",
            "@every 5m",
            "@",
            "",
            " ",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * 32 * *",
            "* * * 13 *",
            "* * * 0 *",
            "* * * * 8",
            "5-1 * * * *",
            "5-5 * * * *",
            "*/0 * * * *",
            "*/00 * * * *",
            "*/1 * * * *",
            "*/999 * * * *",
            "*/1000 * * * *",
            "a * * * *",
            "mon * * * *",
            "* * * mon *",
            "1,,2 * * * *",
            ",1 * * * *",
            "1, * * * *",
            "1- * * * *",
            "-1 * * * *",
            "1-2-3 * * * *",
            "1/2/3 * * * *",
            "1/ * * * *",
            "/2 * * * *",
            "*-5 * * * *",
            "5-* * * * *",
            "** * * * *",
            "*,5 * * * *",
            "5,* * * * *",
            "* * ? * *",
            "* * * * ?",
            "* * L * *",
            "* * 1W * *",
            "* * * * 1#2",
            "001 * * * *",
            "01 * * * *",
            "* * * * sun-7",
            "* * * * sun-sat",
            "* * * * fri-sun",
            "* * * * sunday",
            "* * * january *",
            "* * * * 1/2",
            "* * * * 7/2",
            "* * * * sat/1",
            "* * 31/1 * *",
            "1.5 * * * *",
            "+1 * * * *",
            "٣ * * * *",
            "* * * * ſun",
            "* * * * ſat",
            "* * * apr,JUN,dec *",
            "* * * İan *",
            "0 0\u00a0* * * *",
            "0\u000b0 * * *",
            "0 0 30 2 *");

    private final SqlSurface sql = new SqlSurface();

    private static boolean isAcceptedByTheWorker(String expression) {
        try {
            CronSchedule.parse(expression);
            return true;
        } catch (InvalidCronException e) {
            return false;
        }
    }

    private List<String> accepted(List<String> texts) throws SQLException {
        try (Connection connection = sql.database.connect(SqlSurface.OWNER);
                PreparedStatement statement = connection.prepareStatement(
                        "SELECT t FROM unnest(?::text[]) WITH ORDINALITY AS x(t, i) WHERE df._valid_cron(t) ORDER BY i")) {
            statement.setArray(1, connection.createArrayOf("text", texts.toArray()));
            List<String> found = new ArrayList<>();
            try (var rows = statement.executeQuery()) {
                while (rows.next()) {
                    found.add(rows.getString(1));
                }
            }
            return found;
        }
    }

    @Test
    void the_builder_and_the_worker_accept_the_same_expressions() throws SQLException {
        List<String> accepted = accepted(TEXTS);

        assertThat(accepted)
                .isEqualTo(TEXTS.stream()
                        .filter(CronGrammarTest::isAcceptedByTheWorker)
                        .toList())
                .contains("* * * * *", "@Daily", "* * * * sun-7", "0 0 30 2 *")
                .doesNotContain("* * ? * *", "* * * * fri-sun", "");
    }

    @Test
    void so_they_do_with_thousands_of_random_ones() throws SQLException {
        Random random = new Random(20);
        String[] items = {
            "*", "0", "7", "12", "31", "59", "60", "mon", "Sun", "JAN", "dec", "*/5", "1-5", "5-1", "2-9/3", "3/4",
            "1,2", "sun-fri", "jan-mar", "a", "-", "1-", "*/0", ""
        };
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < 4000; i++) {
            List<String> fields = new ArrayList<>();
            for (int field = 0; field < 5; field++) {
                // Half of the fields match anything, so that not every text has something wrong in it.
                fields.add(random.nextBoolean() ? "*" : items[random.nextInt(items.length)]);
            }
            texts.add(String.join(" ", fields));
        }

        List<String> accepted = accepted(texts);

        assertThat(accepted).hasSizeBetween(200, 3800);
        assertThat(accepted)
                .isEqualTo(texts.stream()
                        .filter(CronGrammarTest::isAcceptedByTheWorker)
                        .toList());
    }

    @Test
    void every_time_zone_that_the_builder_accepts_is_known_to_the_worker() throws SQLException {
        List<String> unknown = new ArrayList<>();
        for (List<@Nullable String> row : sql.rows("SELECT df._timezone(name) FROM pg_timezone_names"
                + " WHERE name !~ '^(posix|right)/' AND df._timezone(name) IS NOT NULL")) {
            String zone = String.valueOf(row.get(0));
            try {
                TimeZones.of(zone);
            } catch (DateTimeException e) {
                unknown.add(zone);
            }
        }
        // Of 2025: a JVM whose list is older fails the step with the name of the zone.
        assertThat(unknown).isSubsetOf("America/Coyhaique");
        assertThat(sql.value("SELECT df._timezone('posix/UTC')")).isNull();
        assertThat(sql.value("SELECT df._timezone('localtime')")).isNull();
        assertThat(sql.value("SELECT df._timezone('EST')")).isEqualTo("EST");
    }
}
