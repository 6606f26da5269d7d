package dev.perdure.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.database.DatabaseUrl;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The examples of docs/clients.md in Java and Python run as they are printed, each with its real driver, against the schema of the page's
 * own SQL. Python's drivers come from its registry, once; a machine without it skips them.
 */
class ClientsPageTest {

    private static final Path DRIVERS = Path.of("target", "python-drivers");
    private static final String TRIED =
            "a machine without python3, pip or its registry does not run the Python examples: ";
    private static final int PATIENCE_SECONDS = 60;

    private static @Nullable Process pip;
    private static Stage stage;

    @TempDir
    private static Path folder;

    @BeforeAll
    static void begin() throws SQLException, IOException {
        pip = installDrivers(); // beside the first tests
        stage = Stage.of(Optional.empty());
        for (Page.Block block : Page.of("clients.md").blocks()) {
            if (block.isSql()) {
                stage.run(block);
            }
        }
    }

    @AfterAll
    static void end() throws SQLException {
        stage.close();
    }

    @Test
    void jdbc_starts_with_the_business_write_signals_and_awaits() throws Exception {
        Class<?> purchases = compile("Purchases", block("java", "class Purchases"));
        try (Connection db = stage.url("app").connect()) {
            String id = (String) call(purchases, "place", db, "j-1", "ann");

            assertThat(call(purchases, "place", db, "j-1", "ann"))
                    .as("a repeated request")
                    .isEqualTo(id);
            call(purchases, "paid", db, id, "receipt 'J'");
            assertThat(call(purchases, "await", db, id)).isEqualTo("completed");
            assertThat(value(db, "SELECT state FROM purchase WHERE request = 'j-1'"))
                    .isEqualTo("shipped");
        }
    }

    @Test
    void jdbc_takes_the_condition_operator_with_two_question_marks() throws Exception {
        Class<?> purchases = compile("Purchases", block("java", "class Purchases"));
        try (Connection db = stage.url("app").connect()) {
            String id = (String) call(purchases, "choose", db);

            assertThat(call(purchases, "await", db, id)).isEqualTo("completed");
            assertThat(value(db, "SELECT df.result('" + id + "')"))
                    .isEqualTo("{\"rows\": [{\"n\": 1}], \"row_count\": 1}");
            assertThatThrownBy(() -> db.prepareStatement("SELECT df.start('SELECT true' ?> 'SELECT 1' !> 'SELECT 2')")
                            .execute())
                    .hasMessageContaining("No value specified for parameter 1");
        }
    }

    @Test
    void a_business_write_that_is_rolled_back_starts_nothing() throws Exception {
        Class<?> purchases = compile("Purchases", block("java", "class Purchases"));
        try (Connection db = stage.url("app").connect()) {
            long before = instances(db);

            assertThatThrownBy(() -> call(purchases, "place", db, "j-2", null)).hasMessageContaining("customer");
            assertThat(instances(db)).isEqualTo(before);
        }
    }

    @Test
    void psycopg_starts_with_the_business_write_signals_and_awaits() throws Exception {
        assertThat(
                        python(
                                block("python", "import psycopg"),
                                """
                        import sys

                        with psycopg.connect(sys.argv[1], autocommit=True) as db:
                            first = place(db, "p-1", "ann")
                            assert place(db, "p-1", "ann") == first, "a repeated request"
                            paid(db, first, "receipt 'P'")
                            assert wait(db, first) == "completed"
                            print(db.execute("SELECT state FROM purchase WHERE request = 'p-1'").fetchone()[0])
                        """))
                .isEqualTo("shipped");
    }

    @Test
    void sqlalchemy_starts_with_the_business_write() throws Exception {
        assertThat(
                        python(
                                """
                        import sys
                        from sqlalchemy import create_engine

                        engine = create_engine(sys.argv[1].replace("postgresql://", "postgresql+psycopg://"))
                        """,
                                block("python", "from sqlalchemy import text"),
                                """
                        with engine.connect() as db:
                            db.execute(text("SELECT df.signal(:id, 'paid')"), {"id": instance})
                            db.commit()
                            print(db.execute(text("SELECT df.await_instance(:id, 30)"), {"id": instance}).scalar_one())
                        """))
                .isEqualTo("completed");
    }

    private static String block(String language, String containing) {
        return Page.of("clients.md").blocks().stream()
                .filter(block ->
                        block.language().equals(language) && block.text().contains(containing))
                .findFirst()
                .orElseThrow(
                        () -> new AssertionError("docs/clients.md has no " + language + " block with " + containing))
                .text();
    }

    private static Class<?> compile(String name, String source) throws IOException, ClassNotFoundException {
        Path file = Files.writeString(Files.createTempDirectory(folder, "java").resolve(name + ".java"), source);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        Assumptions.assumeTrue(compiler != null, "a Java without a compiler does not run the Java examples");
        assertThat(compiler.run(null, null, null, "-d", file.getParent().toString(), file.toString()))
                .as("javac of the page's " + name)
                .isZero();
        URLClassLoader loader = new URLClassLoader(
                new URL[] {file.getParent().toUri().toURL()}, ClientsPageTest.class.getClassLoader());
        return loader.loadClass(name);
    }

    private static Object call(Class<?> type, String method, @Nullable Object... arguments) throws Exception {
        try {
            return Arrays.stream(type.getMethods())
                    .filter(found -> found.getName().equals(method) && found.getParameterCount() == arguments.length)
                    .findFirst()
                    .orElseThrow()
                    .invoke(null, arguments);
        } catch (InvocationTargetException e) {
            throw (Exception) e.getCause();
        }
    }

    private static long instances(Connection db) throws SQLException {
        return Long.parseLong(value(db, "SELECT count(*) FROM df.instances"));
    }

    private static String value(Connection db, String sql) throws SQLException {
        try (Statement statement = db.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    /** Nothing when they are there already, or when there is no Python. */
    private static @Nullable Process installDrivers() throws IOException {
        if (Files.exists(DRIVERS.resolve("installed"))) {
            return null;
        }
        Files.createDirectories(DRIVERS);
        try {
            return new ProcessBuilder(
                            "python3",
                            "-m",
                            "pip",
                            "install",
                            "--quiet",
                            "--disable-pip-version-check",
                            "--upgrade",
                            "--target",
                            DRIVERS.toString(),
                            "psycopg[binary]",
                            "sqlalchemy")
                    .redirectErrorStream(true)
                    .redirectOutput(DRIVERS.resolve("pip.log").toFile())
                    .start();
        } catch (IOException e) {
            return null; // awaitDrivers says it
        }
    }

    private static void awaitDrivers() throws IOException, InterruptedException {
        Process installation = pip;
        if (Files.exists(DRIVERS.resolve("installed"))) {
            return;
        }
        Assumptions.assumeTrue(installation != null, TRIED + "there is no python3");
        if (!installation.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            installation.destroy();
            Assumptions.abort(TRIED + "pip has not answered for " + PATIENCE_SECONDS + " s");
        }
        Assumptions.assumeTrue(
                installation.exitValue() == 0,
                TRIED + Files.readString(DRIVERS.resolve("pip.log")).strip());
        Files.writeString(DRIVERS.resolve("installed"), "");
    }

    /** The last line that a script prints; the database is its argument. */
    private static String python(String... parts) throws IOException, InterruptedException {
        awaitDrivers();
        Path script = Files.writeString(Files.createTempFile(folder, "client", ".py"), String.join("\n", parts));
        DatabaseUrl url = stage.url("app");
        ProcessBuilder builder = new ProcessBuilder("python3", script.toString(), url.toUri());
        builder.environment().put("PYTHONPATH", DRIVERS.toAbsolutePath() + File.pathSeparator);
        Process python = builder.redirectErrorStream(true).start();
        String said = new String(python.getInputStream().readAllBytes()).strip();
        assertThat(python.waitFor()).as(said).isZero();
        List<String> lines = said.lines().toList();
        return lines.get(lines.size() - 1);
    }
}
