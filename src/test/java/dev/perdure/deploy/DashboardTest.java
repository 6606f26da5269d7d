package dev.perdure.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The dashboard asks for metrics that exist: those of docs/monitoring.md, which is compared with the worker's own. */
class DashboardTest {

    private static final Pattern METRIC = Pattern.compile("\\bperdure_[a-z_]+\\b");
    private static final Pattern DOCUMENTED = Pattern.compile("(?m)^\\| `(perdure_[a-z_]+)` \\| (\\w+) \\|");

    @Test
    void each_metric_of_the_dashboard_exists() throws IOException {
        Set<String> documented = new TreeSet<>();
        Matcher rows = DOCUMENTED.matcher(Files.readString(Path.of("docs", "monitoring.md")));
        while (rows.find()) {
            documented.add(rows.group(1));
            if (rows.group(2).equals("histogram")) {
                documented.add(rows.group(1) + "_bucket");
                documented.add(rows.group(1) + "_count");
                documented.add(rows.group(1) + "_sum");
            }
        }
        Set<String> asked = new TreeSet<>();
        JsonNode dashboard = new ObjectMapper()
                .readTree(Path.of("deploy", "helm", "perdure", "dashboard.json").toFile());
        dashboard.at("/panels").forEach(panel -> panel.path("targets").forEach(target -> {
            String expression = target.path("expr").asText();
            Matcher metrics = METRIC.matcher(expression);
            assertThat(metrics.find()).as("a metric of ours in: " + expression).isTrue();
            metrics.reset();
            while (metrics.find()) {
                asked.add(metrics.group());
            }
        }));

        assertThat(documented).isNotEmpty();
        assertThat(asked).hasSizeGreaterThan(10);
        assertThat(documented).containsAll(asked);
    }
}
