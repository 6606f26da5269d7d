package dev.perdure.docs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.ProgramDrivers;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The programs in Python of docs/patterns.md and docs/scenarios.md, with a model of the test's: one is killed while it holds what it has
 * claimed, another one does all of it, and each row is written once.
 */
class ProgramExamplesTest {

    private static final String MODEL =
            """
            import os, time

            def encode(texts):
                while texts and os.path.exists(os.environ["HOLD"]):
                    open(os.environ["HOLD"] + ".held", "w").close()
                    time.sleep(0.05)
                return [[float(len(text)), 0.5, 0.125] for text in texts]
            """;
    private static final String COUNTER =
            """
            CREATE TABLE written (id int);
            CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO written VALUES (new.id); RETURN NULL; END $$;
            CREATE TRIGGER note AFTER UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION note()""";

    @TempDir
    private Path folder;

    @Test
    void a_step_in_python() throws Exception {
        works("patterns.md", "paragraph");
    }

    @Test
    void the_embedding_pipeline_with_a_model_in_a_program() throws Exception {
        works("scenarios.md", "chapter");
    }

    private void works(String name, String table) throws Exception {
        ProgramDrivers.python().ifPresent(Assumptions::abort);
        Files.writeString(folder.resolve("model.py"), MODEL);
        Page page = Page.of(name);
        Path script = Files.writeString(
                folder.resolve("program.py"),
                page.blocks().stream()
                        .filter(block -> block.language().equals("python"))
                        .findFirst()
                        .orElseThrow()
                        .text());
        Path hold = folder.resolve("hold");
        try (Stage stage = Stage.of(Optional.empty())) {
            stage.run(page.blocks().stream()
                    .filter(block -> block.isSql() && block.text().contains("CREATE TABLE " + table + " "))
                    .findFirst()
                    .orElseThrow());
            try (Connection db = stage.url("app").connect()) {
                execute(db, COUNTER.formatted(table));
                String all = value(db, "SELECT count(*) FROM " + table);
                Files.writeString(hold, "");
                Process killed = start(script, hold, stage);
                Awaitility.await("work that is held").until(() -> !killed.isAlive() || Files.exists(held(hold)));
                assertThat(killed.isAlive()).as(said()).isTrue();
                killed.destroyForcibly().waitFor();
                assertThat(value(db, "SELECT count(*) FROM written")).isEqualTo("0");

                Files.delete(hold);
                Process works = start(script, hold, stage);
                try {
                    Awaitility.await("the end of the workflow")
                            .until(() -> !works.isAlive()
                                    || value(db, "SELECT status FROM df.instances ORDER BY created_at DESC LIMIT 1")
                                            .equals("completed"));
                    assertThat(works.isAlive()).as(said()).isTrue();
                } finally {
                    works.destroyForcibly();
                }
                assertThat(value(db, "SELECT count(*) FROM " + table + " WHERE embedding IS NOT NULL"))
                        .isEqualTo(all);
                assertThat(value(db, "SELECT count(*) || ' of ' || count(DISTINCT id) FROM written"))
                        .isEqualTo(all + " of " + all);
            }
        }
    }

    private static Path held(Path hold) {
        return hold.resolveSibling(hold.getFileName() + ".held");
    }

    private Process start(Path script, Path hold, Stage stage) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                "python3", script.toString(), stage.url("app").toUri());
        builder.environment()
                .putAll(Map.of(
                        "PYTHONPATH",
                        ProgramDrivers.of("python") + File.pathSeparator + folder,
                        "HOLD",
                        hold.toString()));
        return builder.redirectErrorStream(true)
                .redirectOutput(folder.resolve("said").toFile())
                .start();
    }

    private String said() throws IOException {
        return Files.readString(folder.resolve("said"));
    }

    private static void execute(Connection db, String sql) throws SQLException {
        try (Statement statement = db.createStatement()) {
            statement.execute(sql);
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
