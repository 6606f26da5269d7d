package dev.perdure.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every SQL example of README.md and docs/*.md runs, and does what it says. */
class DocumentationTest {

    /** Where the test itself is tested. */
    private static Optional<Stage> proof = Optional.empty();

    private Optional<StageOfPage> current = Optional.empty();

    @BeforeAll
    static void begin() throws SQLException {
        proof = Optional.of(Stage.of(Optional.empty()));
    }

    @AfterAll
    static void end() throws SQLException {
        proof.orElseThrow().close();
    }

    @AfterEach
    void close() throws SQLException {
        if (current.isPresent()) {
            current.get().close();
        }
    }

    @TestFactory
    Stream<DynamicNode> examples() {
        return Page.all().stream()
                .filter(page -> page.blocks().stream().anyMatch(Page.Block::isSql))
                .map(this::examples);
    }

    private DynamicNode examples(Page page) {
        StageOfPage stage = new StageOfPage(page.fixture());
        URI file = Path.of(page.name()).toUri();
        return DynamicContainer.dynamicContainer(
                page.name(),
                file,
                page.blocks().stream()
                        .filter(Page.Block::isSql)
                        .map(block -> DynamicTest.dynamicTest(
                                block.place(), URI.create(file + "?line=" + block.line()), () -> stage.get()
                                        .run(block))));
    }

    /** Made by the first example of the page, which ends that of the page before. */
    private final class StageOfPage {
        private final Optional<String> fixture;
        private Optional<Stage> stage = Optional.empty();

        StageOfPage(Optional<String> fixture) {
            this.fixture = fixture;
        }

        Stage get() throws SQLException {
            if (stage.isEmpty()) {
                DocumentationTest.this.close();
                current = Optional.of(this);
                stage = Optional.of(Stage.of(fixture));
            }
            return stage.get();
        }

        void close() throws SQLException {
            if (stage.isPresent()) {
                stage.get().close();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT 1 AS one; -- => 2",
                "SELECT generate_series(1, 2);\n-- => 1",
                "SELECT 1; -- ERROR: division by zero",
                "SELECT 1 / 0;",
                "SELECT 1 / 0; -- ERROR: syntax error",
                "SELECT df.start('SELECT 1 / 0');",
                "SELECT df.start('SELECT 1 / 0'); -- failed: syntax error",
                "SELECT df.start('SELECT 1'); -- failed",
                "SELECT 'a';\n```\n\n```text\nb",
            })
    void an_example_that_breaks_its_promise_is_found(String sql) throws SQLException {
        assertThatThrownBy(() -> run(sql)).isInstanceOf(AssertionError.class).hasMessageContaining("page.md:");
    }

    @Test
    void an_example_that_keeps_its_promises_passes() throws SQLException {
        run(
                """
                SELECT 1 AS one, NULL AS two; -- => 1 | NULL
                SELECT df.start('SELECT 1 / 0'); -- failed: division by zero
                SELECT df.await_instance('<id>');
                -- => failed
                SELECT 1 / 0;
                -- ERROR: division by zero
                DO $$ BEGIN
                  PERFORM 1;
                END $$;
                SELECT 'abc';
                ```

                ```text
                a…
                """);
    }

    @Test
    void a_block_knows_its_place_and_role() {
        Page page = Page.parse("p.md", "Text\n\n```sql owner\nSELECT 1;\n```\nmore\n```text\nx\n```\n");

        assertThat(page.blocks())
                .extracting(Page.Block::place, Page.Block::role, Page.Block::answer)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("p.md:3", "owner", null),
                        org.assertj.core.groups.Tuple.tuple("p.md:7", "", null));
    }

    private static void run(String sql) throws SQLException {
        Stage stage = proof.orElseThrow();
        for (Page.Block block :
                Page.parse("page.md", "```sql\n" + sql + "\n```\n").blocks()) {
            if (block.isSql()) {
                stage.run(block);
            }
        }
    }
}
