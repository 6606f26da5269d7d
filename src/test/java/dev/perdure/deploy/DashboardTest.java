package dev.perdure.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
        panels().forEach(panel -> panel.path("targets").forEach(target -> {
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

    @Test
    void what_people_watch_has_a_panel() throws IOException {
        String all = panels().toString();

        assertThat(List.of(
                        "perdure_http_requests_total",
                        "perdure_map_items_ended_total",
                        "perdure_queue_waiting",
                        "perdure_schedule_runs_total",
                        "perdure_step_duration_seconds_bucket"))
                .allSatisfy(metric -> assertThat(all).contains(metric));
        assertThat(panels().findValuesAsText("id")).doesNotHaveDuplicates();
    }

    /** Where nothing is called namespace or pod a choice of all matches what has no such label, and nothing else is asked for. */
    @Test
    void it_works_without_kubernetes() throws IOException {
        dashboard().at("/templating/list").forEach(variable -> {
            if (!variable.path("type").asText().equals("datasource")) {
                assertThat(variable.path("includeAll").asBoolean()).isTrue();
                assertThat(variable.path("allValue").asText()).isEqualTo(".*");
                assertThat(variable.at("/current/value").asText()).isEqualTo("$__all");
            }
        });
        panels().forEach(panel -> panel.path("targets").forEach(target -> {
            String expression = target.path("expr").asText();
            assertThat(expression).contains("{namespace=~\"$namespace\",job=~\"$job\"");
            assertThat(expression)
                    .doesNotContain("by (pod)")
                    .doesNotContain("kube_")
                    .doesNotContain("container");
        }));
    }

    private static JsonNode dashboard() throws IOException {
        return new ObjectMapper()
                .readTree(Path.of("deploy", "helm", "perdure", "dashboard.json").toFile());
    }

    private static JsonNode panels() throws IOException {
        return dashboard().at("/panels");
    }
}
