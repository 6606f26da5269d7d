package dev.perdure.sql;

import static dev.perdure.sql.SqlSurface.OWNER;
import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The tables that users read and write have the columns, constraints and policies of the specification (3). */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TablesTest {

    private final SqlSurface sql = new SqlSurface();

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            instances     | id varchar(8) NOT NULL, label text, root_node varchar(8) NOT NULL, status text 'pending'::text, submitted_by regrole NOT NULL, database text, created_at timestamptz now(), updated_at timestamptz now(), completed_at timestamptz
            nodes         | id varchar(8), instance_id varchar(8), node_type text, query text, result_name text, left_node varchar(8), right_node varchar(8), status text 'pending'::text, result jsonb, error text, submitted_by regrole, database text, created_at timestamptz now(), updated_at timestamptz now()
            vars          | name text NOT NULL, value text, owner regrole NOT NULL (quote_ident((CURRENT_USER)::text))::regrole
            _worker_epoch | epoch_id uuid NOT NULL, started_at timestamptz now(), last_seen_at timestamptz now()
            """)
    void a_table_begins_with_the_specified_columns(String table, String columns) throws SQLException {
        assertThat(sql.text(
                                "SELECT string_agg(concat_ws(' ', a.attname, replace(replace(format_type(a.atttypid, a.atttypmod),"
                                        + " 'character varying', 'varchar'), 'timestamp with time zone', 'timestamptz'),"
                                        + " CASE WHEN a.attnotnull THEN 'NOT NULL' END, pg_get_expr(d.adbin, d.adrelid)), ', ' ORDER BY a.attnum)"
                                        + " FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
                                        + " WHERE a.attrelid = ('df.' || ?)::regclass AND a.attnum > 0",
                                table)
                        + ", ")
                .startsWith(columns + ", ");
    }

    @Test
    void what_the_worker_adds_to_a_node_is_the_last_column() throws SQLException {
        assertThat(sql.value("SELECT attname || ' ' || atttypid::regtype FROM pg_attribute"
                        + " WHERE attrelid = 'df.nodes'::regclass ORDER BY attnum DESC LIMIT 1"))
                .isEqualTo("status_details jsonb");
    }

    /** Where somebody publishes FOR ALL TABLES, nothing can be deleted from a table without one. */
    @Test
    void each_table_has_a_key() throws SQLException {
        assertThat(
                        sql.rows(
                                "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'df'::regnamespace AND c.relkind IN ('r', 'p')"
                                        + " AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p')"))
                .isEmpty();
    }

    /** A number of a role is another role's where the rows are restored. */
    @Test
    void roles_are_kept_by_name() throws SQLException {
        assertThat(sql.rows(
                        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
                                + " WHERE c.relnamespace = 'df'::regnamespace AND c.relkind IN ('r', 'p') AND a.atttypid = 'oid'::regtype"
                                + " ORDER BY 1"))
                .containsExactly(List.of("_epoch", "database_oid"), List.of("_origins", "database_oid"));
    }

    @Test
    void keys_are_those_of_the_specification_and_foreign_keys_wait_for_the_commit() throws SQLException {
        assertThat(
                        sql.rows(
                                "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype IN ('p', 'u', 'f')"
                                        + " AND conrelid IN ('df.instances'::regclass, 'df._nodes'::regclass, 'df.vars'::regclass) ORDER BY 1"))
                .containsExactly(
                        List.of("instances_pkey", "PRIMARY KEY (id)"),
                        List.of(
                                "nodes_left_node_same_instance_fkey",
                                "FOREIGN KEY (instance_id, left_node) REFERENCES df._nodes(instance_id, id) DEFERRABLE INITIALLY DEFERRED NOT VALID"),
                        List.of("nodes_pkey", "PRIMARY KEY (instance_id, id)"),
                        List.of(
                                "nodes_right_node_same_instance_fkey",
                                "FOREIGN KEY (instance_id, right_node) REFERENCES df._nodes(instance_id, id) DEFERRABLE INITIALLY DEFERRED NOT VALID"),
                        List.of("vars_pkey", "PRIMARY KEY (owner, name)"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "idx_instances_submitted_by ON df.instances USING btree (submitted_by, created_at DESC, id)",
                "idx_instances_created_at ON df.instances USING btree (created_at DESC, id)",
                "idx_instances_label ON df.instances USING btree (label, created_at DESC, id) WHERE (label IS NOT NULL)"
            })
    void an_index_is_as_specified(String index) throws SQLException {
        assertThat(sql.value(
                        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'df' AND indexname = ?",
                        index.substring(0, index.indexOf(' '))))
                .isEqualTo("CREATE INDEX " + index);
    }

    @ParameterizedTest
    @ValueSource(strings = {"instances", "vars"})
    void rows_belong_to_their_role_by_one_permissive_policy_that_does_not_bind_the_owner(String table)
            throws SQLException {
        assertThat(sql.rows(
                        "SELECT c.relrowsecurity, c.relforcerowsecurity, p.policyname, p.cmd, p.qual = p.with_check"
                                + " FROM pg_class c JOIN pg_policies p ON p.schemaname = 'df' AND p.tablename = c.relname"
                                + " WHERE c.oid = ('df.' || ?)::regclass AND p.permissive = 'PERMISSIVE'",
                        table))
                .containsExactly(List.of("t", "f", table + "_user_isolation", "ALL", "t"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            id => 'A0000001'                               | nodes_id_format_chk
            id => '0000001'                                | nodes_id_format_chk
            instance_id => 'nope'                          | nodes_instance_id_format_chk
            left_node => 'x', node_type => 'THEN', query => NULL, right_node => '00000002' | nodes_left_node_format_chk
            left_node => '00000002', node_type => 'THEN', query => NULL, right_node => 'x' | nodes_right_node_format_chk
            node_type => 'sql'                             | nodes_node_type_chk
            node_type => 'NOPE'                            | nodes_node_type_chk
            result_name => '1a'                            | nodes_result_name_chk
            result_name => ''                              | nodes_result_name_chk
            submitted_by => NULL                           | nodes_submitted_by_present_chk
            query => NULL                                  | nodes_structure_chk
            left_node => '00000002'                        | nodes_structure_chk
            right_node => '00000002'                       | nodes_structure_chk
            node_type => 'SLEEP', query => NULL            | nodes_structure_chk
            node_type => 'HTTP', left_node => '00000002'   | nodes_structure_chk
            node_type => 'THEN'                            | nodes_structure_chk
            node_type => 'THEN', left_node => '00000002', right_node => '00000003' | nodes_structure_chk
            node_type => 'RACE', left_node => '00000002', right_node => '00000003' | nodes_structure_chk
            node_type => 'RACE', query => NULL, left_node => '00000002'            | nodes_structure_chk
            node_type => 'IF', query => NULL, left_node => '00000002', right_node => '00000003' | nodes_structure_chk
            node_type => 'IF', left_node => '00000002'     | nodes_structure_chk
            node_type => 'LOOP'                            | nodes_structure_chk
            node_type => 'LOOP', left_node => '00000002', right_node => '00000003' | nodes_structure_chk
            node_type => 'JOIN', left_node => '00000002'   | nodes_structure_chk
            """)
    void a_node_that_could_not_be_run_is_not_inserted(String columns, String constraint) {
        assertThat(sql.error("DO 'BEGIN " + insert(columns).replace("'", "''") + "; END'"))
                .startsWith("23514: ")
                .contains("new row for relation \"nodes\" violates check constraint \"" + constraint + '"');
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "result_name => '_a1'",
                "node_type => 'LOOP', left_node => '00000002'",
                "node_type => 'LOOP', left_node => '00000002', query => NULL",
                "node_type => 'JOIN', left_node => '00000002', right_node => '00000003'",
                "node_type => 'JOIN', left_node => '00000002', right_node => '00000003', query => NULL",
                "node_type => 'IF', left_node => '00000002', right_node => '00000003'",
                "node_type => 'RACE', left_node => '00000002', right_node => '00000003', query => NULL"
            })
    void a_node_of_the_right_structure_is_inserted_and_a_dangling_one_fails_at_the_commit(String columns)
            throws SQLException {
        // What is said after the row is in: its checks have passed.
        assertThat(sql.error("DO 'BEGIN " + insert(columns).replace("'", "''") + "; RAISE ''it is in''; END'"))
                .contains("it is in");
        assertThat(sql.error(insert(columns)))
                .startsWith("23503: ")
                .contains("nodes_")
                .contains("_fkey");
    }

    @Test
    void an_instance_that_is_written_by_hand_is_shown_with_its_nodes_and_found_by_the_worker() throws SQLException {
        sql.database.execute(
                SqlSurface.ALICE,
                "BEGIN; INSERT INTO df.nodes (id, instance_id, node_type, left_node, right_node, submitted_by) VALUES"
                        + " ('00000001', 'abcdef01', 'THEN', '00000002', '00000003', 'alice');"
                        + " INSERT INTO df.instances (id, root_node, submitted_by) VALUES ('abcdef01', '00000001', 'alice');"
                        + " INSERT INTO df.nodes (id, instance_id, node_type, query, submitted_by) VALUES"
                        + " ('00000002', 'abcdef01', 'SQL', 'a', 'alice'), ('00000003', 'abcdef01', 'SQL', 'b', 'alice'); COMMIT");
        assertThat(sql.rows(
                        "SELECT id, node_type, query, status FROM df.nodes WHERE instance_id = 'abcdef01' ORDER BY id"))
                .containsExactly(
                        java.util.Arrays.asList("00000001", "THEN", null, "pending"),
                        List.of("00000002", "SQL", "a", "pending"),
                        List.of("00000003", "SQL", "b", "pending"));
        assertThat(sql.database.value(OWNER, "SELECT wake_at IS NULL FROM df._inbox WHERE instance_id = 'abcdef01'"))
                .isEqualTo("t");
        assertThat(sql.error("INSERT INTO df.nodes (id, instance_id, node_type, query, submitted_by) VALUES"
                        + " ('00000004', 'abcdef01', 'SQL', 'c', 'bob')"))
                .startsWith("42501: ");
    }

    @Test
    void nodes_are_added_to_no_instance_that_was_started_with_a_graph_or_by_somebody_else() throws SQLException {
        String id = sql.text("SELECT df.start('SELECT 1')");
        String insert = "INSERT INTO df.nodes (id, instance_id, node_type, query, submitted_by) VALUES ('00000001', '"
                + id + "', 'SQL', 'x', '%s')";
        assertThat(sql.error(insert.formatted("alice"))).startsWith("23503: ").contains("nodes_instance_identity_fkey");
        assertThat(sql.error(SqlSurface.BOB, insert.formatted("bob")))
                .startsWith("23503: ")
                .contains("nodes_instance_identity_fkey");
    }

    private static String insert(String columns) {
        String all =
                "id => '00000001', instance_id => 'abcdef00', node_type => 'SQL', query => '{}', submitted_by => 'alice'";
        Map<String, String> values = new LinkedHashMap<>();
        for (String given : (columns.isEmpty() ? all : all + ", " + columns).split(", ")) {
            String[] pair = given.split(" => ");
            values.put(pair[0], pair[1]);
        }
        return "INSERT INTO df.nodes (" + String.join(", ", values.keySet()) + ") VALUES ("
                + String.join(", ", values.values()) + ")";
    }

    @Test
    void an_instance_needs_ids_that_are_some_and_a_root() {
        assertThat(sql.error(
                        "INSERT INTO df.instances (id, root_node, submitted_by) VALUES ('x', '00000001', 'alice')"))
                .startsWith("23514: ")
                .contains("instances_id_format_chk");
        assertThat(sql.error(
                        "INSERT INTO df.instances (id, root_node, submitted_by) VALUES ('00000001', 'x', 'alice')"))
                .startsWith("23514: ")
                .contains("instances_root_node_format_chk");
        assertThat(
                        sql.error(
                                "INSERT INTO df.instances (id, root_node, submitted_by) VALUES ('00000001', '00000001', 'alice')"))
                .startsWith("23503: ")
                .contains("instances_root_node_same_instance_fkey");
    }

    @Test
    void a_status_is_one_of_the_known_ones() throws SQLException {
        String id = sql.text("SELECT df.start('SELECT 1')");
        assertThat(sql.error(OWNER, "UPDATE df.instances SET status = 'skipped' WHERE id = '" + id + "'"))
                .startsWith("23514: ")
                .contains("instances_status_chk");
    }

    @Test
    void a_variable_belongs_to_whoever_inserts_it_and_to_nobody_else() throws SQLException {
        sql.database.execute(SqlSurface.ALICE, "INSERT INTO df.vars (name, value) VALUES ('mine', '1')");
        assertThat(sql.value("SELECT owner FROM df.vars WHERE name = 'mine'")).isEqualTo("alice");
        assertThat(sql.error("INSERT INTO df.vars (name, value, owner) VALUES ('theirs', '1', 'bob')"))
                .startsWith("42501: ");
        assertThat(sql.error("INSERT INTO df.vars (name, value) VALUES ('mine', '2')"))
                .startsWith("23505: ");
    }
}
