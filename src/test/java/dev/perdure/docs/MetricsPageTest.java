package dev.perdure.docs;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** docs/monitoring.md lists the metrics that a running worker exports under our prefix, all of them and no others. */
@QuarkusTest
@TestProfile(MetricsPageTest.OneDatabase.class)
class MetricsPageTest {

    /** Metrics are those of databases; this one is down. */
    public static final class OneDatabase implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of("perdure.database.url", "postgresql://df_worker@127.0.0.1:1/app");
        }
    }

    private static final Pattern ROW =
            Pattern.compile("(?m)^\\| `(perdure_[a-z_]+)` \\| (\\w+) \\| (?:.+ )?\\| .+ \\|$");
    private static final Pattern TYPE = Pattern.compile("(?m)^# TYPE (perdure_[a-z_]+) (\\w+)$");

    @Test
    void every_metric_is_in_the_table_with_its_type() throws IOException {
        Map<String, String> documented = found(ROW, Files.readString(Path.of("docs", "monitoring.md")));

        Map<String, String> exported = found(
                TYPE, given().get("/q/metrics").then().statusCode(200).extract().asString());

        assertThat(documented).containsExactlyEntriesOf(exported);
    }

    private static Map<String, String> found(Pattern pattern, String text) {
        Map<String, String> metrics = new TreeMap<>();
        Matcher matcher = pattern.matcher(text);
        while (matcher.find()) {
            // The newer of the two formats leaves the end of a counter's name out of its type.
            String name = matcher.group(1);
            boolean bare = matcher.group(2).equals("counter") && !name.endsWith("_total");
            metrics.put(bare ? name + "_total" : name, matcher.group(2));
        }
        return metrics;
    }
}
