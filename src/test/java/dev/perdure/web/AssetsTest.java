package dev.perdure.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The files of the dashboard: what is there is listed, and nothing in them is of another host. */
class AssetsTest {

    private static final Path FOLDER = Path.of("src", "main", "resources", "web");
    private static final Pattern IMPORT = Pattern.compile("(?:from|import)\\s*[\"']([^\"']+)[\"']");

    @Test
    void the_list_names_each_file() throws IOException {
        try (Stream<Path> files = Files.walk(FOLDER)) {
            List<String> there = files.filter(Files::isRegularFile)
                    .map(file -> FOLDER.relativize(file).toString())
                    .filter(name -> !name.equals("files.txt"))
                    .sorted()
                    .toList();
            assertThat(Assets.names()).containsExactlyInAnyOrderElementsOf(there);
        }
    }

    @Test
    void each_import_is_a_file_that_is_served() throws IOException {
        Assets assets = new Assets();
        for (String name : Assets.names()) {
            if (name.endsWith(".js")) {
                Path file = FOLDER.resolve(name);
                IMPORT.matcher(Files.readString(file)).results().forEach(found -> {
                    String imported = found.group(1);
                    assertThat(imported).as(name).startsWith(".");
                    Path path = FOLDER.relativize(file.resolveSibling(imported).normalize());
                    assertThat(assets.at("/" + path)).as(name + ": " + imported).isPresent();
                });
            }
        }
    }
}
