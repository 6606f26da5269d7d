package dev.perdure.docs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.testing.ProgramDrivers;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The programs of docs/activities.md run as they are printed, with their real drivers: they do what there is, and stop at SIGTERM. Drivers
 * come from the registries of their languages, once; a machine without the language, or without its registry, skips the program.
 */
class ActivitiesPageTest {

    private static final int LONGEST = 25;
    private static final long PATIENCE_SECONDS = 120;

    private static Stage stage;

    @TempDir
    private static Path folder;

    @BeforeAll
    static void begin() throws SQLException {
        stage = Stage.of(Optional.empty());
        Page.Block first = Page.of("activities.md").blocks().stream()
                .filter(Page.Block::isSql)
                .findFirst()
                .orElseThrow();
        stage.run(first);
        try (Connection db = stage.url("app").connect();
                Statement statement = db.createStatement()) {
            statement.execute("ALTER TABLE image ADD CHECK (thumb <> 'small/wrong')");
        }
    }

    @AfterAll
    static void end() throws SQLException {
        stage.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"python", "javascript", "java", "go"})
    void a_program_has_at_most_so_many_lines(String language) {
        assertThat(program(language).strip().lines().count()).isLessThanOrEqualTo(LONGEST);
    }

    @Test
    void in_python() throws Exception {
        installed(ProgramDrivers.python());
        Path script = Files.writeString(folder.resolve("program.py"), program("python"));
        works(Map.of("PYTHONPATH", ProgramDrivers.of("python").toString()), "python3", script.toString(), url());
    }

    @Test
    void in_node() throws Exception {
        installed(ProgramDrivers.fetch("node", "npm", "install", "--silent", "pg"));
        Path script = Files.writeString(folder.resolve("program.js"), program("javascript"));
        works(
                Map.of(
                        "NODE_PATH",
                        ProgramDrivers.of("node").resolve("node_modules").toString()),
                "node",
                script.toString(),
                url());
    }

    @Test
    void in_java() throws Exception {
        Path source = Files.writeString(folder.resolve("Thumbnails.java"), program("java"));
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        DatabaseUrl url = stage.url("app");
        works(
                Map.of(),
                java,
                "-cp",
                System.getProperty("java.class.path"),
                source.toString(),
                "jdbc:" + url.toUri().replaceFirst("//[^@/]*@", "//") + "?user=app");
    }

    @Test
    void in_go() throws Exception {
        Path go = ProgramDrivers.of("go");
        Files.createDirectories(go);
        Files.writeString(
                go.resolve("go.mod"), "module program\n\ngo 1.20\n\nrequire github.com/jackc/pgx/v5 v5.5.5\n");
        Files.deleteIfExists(go.resolve("installed"));
        Files.writeString(go.resolve("main.go"), program("go"));
        installed(ProgramDrivers.fetch("go", "go", "mod", "tidy"));
        Path binary = folder.resolve("program");
        Process build = new ProcessBuilder("go", "build", "-o", binary.toString(), ".")
                .directory(go.toFile())
                .redirectErrorStream(true)
                .start();
        String said = new String(build.getInputStream().readAllBytes());
        assertThat(build.waitFor()).as(said).isZero();
        works(Map.of(), binary.toString(), url());
    }

    private static String program(String language) {
        return Page.of("activities.md").blocks().stream()
                .filter(block -> block.language().equals(language))
                .findFirst()
                .orElseThrow(() -> new AssertionError("docs/activities.md has no program in " + language))
                .text();
    }

    private static String url() {
        return stage.url("app").toUri();
    }

    /** Without the language or its registry the test is skipped. */
    private static void installed(Optional<String> whyNot) {
        whyNot.ifPresent(Assumptions::abort);
    }

    /** It does ten images that are new, and one that cannot be done fails with its reason; then it stops when it is told to. */
    private static void works(Map<String, String> environment, String... command) throws Exception {
        try (Connection db = stage.url("app").connect()) {
            String id = value(
                    db,
                    "WITH more AS (INSERT INTO image SELECT 100 * extract(epoch FROM clock_timestamp())::bigint % 1000000000 + i,"
                            + " 'https://example.com/n' || i FROM generate_series(1, 10) AS i RETURNING id)"
                            + " SELECT string_agg(id::text, ',') FROM more");
            String workflow = value(
                    db,
                    "SELECT df.start(df.map('SELECT id, url FROM image WHERE id IN (" + id
                            + ")', df.activity('thumbnail', '{\"id\": $item.id, \"url\": \"$item.url\"}')))");
            String wrong = value(
                    db,
                    "SELECT df.start(df.activity('thumbnail', '{\"id\": 1, \"url\": \"https://example.com/wrong\"}'))");
            List<String> all = new ArrayList<>(List.of(command));
            ProcessBuilder builder = new ProcessBuilder(all);
            builder.environment().putAll(environment);
            File said = folder.resolve("said-" + workflow).toFile();
            Process program =
                    builder.redirectErrorStream(true).redirectOutput(said).start();
            try {
                Awaitility.await("end of " + workflow)
                        .atMost(Duration.ofSeconds(PATIENCE_SECONDS))
                        .until(() -> !program.isAlive()
                                || value(db, "SELECT df.status('" + workflow + "')")
                                                .equals("completed")
                                        && value(db, "SELECT df.status('" + wrong + "')")
                                                .equals("failed"));
                assertThat(program.isAlive())
                        .as(Files.readString(said.toPath()))
                        .isTrue();
                assertThat(value(db, "SELECT count(*) FROM image WHERE thumb LIKE 'small/n%' AND id IN (" + id + ")"))
                        .isEqualTo("10");
                program.destroy();
                assertThat(program.waitFor(30, TimeUnit.SECONDS)).as("stops").isTrue();
            } finally {
                program.destroyForcibly();
            }
        }
    }

    private static String value(Connection db, String sql) throws SQLException {
        try (Statement statement = db.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }
}
