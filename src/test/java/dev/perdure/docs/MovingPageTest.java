package dev.perdure.docs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.DebianServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The queries of docs/moving-from-pg-durable.md that look for what uses the extension, with our objects in its place. */
class MovingPageTest {

    private static final Pattern QUERIES = Pattern.compile("(?s)```sql superuser\n(.*?)```");

    /** An extension of this name that has all of ours. */
    private static final String EXTENSION =
            """
            CREATE EXTENSION file_fdw;
            UPDATE pg_extension SET extname = 'pg_durable' WHERE extname = 'file_fdw';
            DO $$
            DECLARE
                member text;
            BEGIN
                FOR member IN
                    SELECT format('%s %s', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.oid::regclass)
                    FROM pg_class c WHERE c.relnamespace = 'df'::regnamespace AND c.relkind IN ('r', 'v')
                    UNION ALL
                    SELECT format('FUNCTION %s', p.oid::regprocedure) FROM pg_proc p WHERE p.pronamespace = 'df'::regnamespace
                    UNION ALL
                    SELECT format('OPERATOR %s', o.oid::regoperator)
                    FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode AND p.pronamespace = 'df'::regnamespace
                LOOP
                    EXECUTE format('ALTER EXTENSION pg_durable ADD %s', member);
                END LOOP;
            END $$;
            """;

    private static final String USES =
            """
            CREATE FUNCTION public.calls() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN df.start('SELECT 1'); END $$;
            CREATE FUNCTION public.calls_by_name() RETURNS text RETURN df.start('SELECT 1');
            CREATE FUNCTION public.calls_nothing() RETURNS int LANGUAGE sql AS 'SELECT 1';
            CREATE TABLE public.uses (id text DEFAULT df.start('SELECT 1') REFERENCES df.instances (id));
            CREATE RULE uses_status AS ON INSERT TO public.uses DO ALSO SELECT df.status(new.id);
            CREATE VIEW public.reads AS SELECT * FROM df.instances;
            CREATE VIEW public.builds AS SELECT 'SELECT 1' ~> 'SELECT 2' AS workflow;
            CREATE MATERIALIZED VIEW public.counts AS SELECT count(*) FROM df.nodes;
            CREATE VIEW public.reads_nothing AS SELECT 1 AS one;
            """;

    @Test
    void what_uses_the_extension_is_found_and_nothing_of_its_own() throws SQLException, IOException {
        List<String> queries = QUERIES.matcher(Files.readString(Path.of("docs/moving-from-pg-durable.md")))
                .results()
                .map((MatchResult found) -> found.group(1))
                .toList();
        DebianServer server = DebianServer.get();
        try (Connection session = server.superuser(server.newDatabase()).connect();
                Statement statement = session.createStatement()) {
            statement.execute(USES);
            statement.execute(EXTENSION);

            assertThat(texts(statement, queries.get(0))).containsExactly("calls()");
            assertThat(texts(statement, queries.get(1)))
                    .containsExactlyInAnyOrder(
                            "constraint uses_id_fkey on table uses",
                            "default value for column id of table uses",
                            "function calls_by_name()",
                            "rule _RETURN on materialized view counts",
                            "rule _RETURN on view builds",
                            "rule _RETURN on view reads",
                            "rule uses_status on table uses");
        }
    }

    private static List<String> texts(Statement statement, String query) throws SQLException {
        List<String> texts = new ArrayList<>();
        try (ResultSet row = statement.executeQuery(query)) {
            while (row.next()) {
                texts.add(row.getString(1));
            }
        }
        return texts;
    }
}
