package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/** Who sees and claims activities, and who decides tasks. */
class ActivityRightsTest {

    private static TestDatabase database;
    private static Submitter app;
    private static Submitter other;
    private static Submitter boss;
    private static InProcessWorker worker;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "rights_app");
        other = Submitter.of(database, "rights_other");
        boss = Submitter.of(database, "rights_boss");
        worker = InProcessWorker.start(database);
    }

    @AfterAll
    static void end() throws SQLException {
        worker.close();
        app.close();
        other.close();
        boss.close();
    }

    private static SQLException refusal(Submitter who, String sql) {
        return Objects.requireNonNull(catchThrowableOfType(SQLException.class, () -> who.execute(sql)), sql);
    }

    private static String claim(Submitter who, String kind) throws SQLException {
        return Objects.requireNonNull(
                who.value("SELECT token FROM df.claim_activities('" + kind + "', wait => '20 s')"));
    }

    private static void awaitWaiting(String kind) {
        app.awaitValue("1", "SELECT count(*) FROM df.activities WHERE status = 'waiting' AND kind = ?", kind);
    }

    @Test
    void another_role_sees_and_claims_nothing_but_what_is_granted_and_never_the_instance() throws SQLException {
        String id = app.start("df.activity('a \"quoted'' kind', '{\"n\": 1}')");
        awaitWaiting("a \"quoted' kind");
        assertThat(other.value("SELECT count(*) FROM df.activities")).isEqualTo("0");
        assertThat(other.value("SELECT count(*) FROM df.activity_kinds")).isEqualTo("0");
        assertThat(other.value("SELECT count(*) FROM df.claim_activities('a \"quoted'' kind')"))
                .isEqualTo("0");

        app.execute("SELECT df.grant_activity('a \"quoted'' kind', 'rights_other')");
        assertThat(other.value("SELECT concat(kind, payload, instance_id, node_id) FROM df.activities"))
                .isEqualTo("a \"quoted' kind{\"n\": 1}");
        assertThat(other.value("SELECT waiting FROM df.activity_kinds")).isEqualTo("1");
        other.execute("SELECT df.complete_activity(token) FROM df.claim_activities('a \"quoted'' kind')");
        assertThat(app.await(id).status()).isEqualTo("completed");
    }

    @Test
    void a_token_is_its_claimers_alone_and_none_that_was_made_up_locks_anything() throws SQLException {
        String id = app.start("df.activity('secret')");
        String token = claim(app, "secret");
        for (String wrong : new String[] {
            token, "", "7", token.substring(0, token.indexOf('.') + 1) + "0".repeat(32), "'; DROP TABLE x; --"
        }) {
            String quoted = "'" + wrong.replace("'", "''") + "'";
            assertThat(refusal(other, "SELECT df.complete_activity(" + quoted + ")")
                            .getSQLState())
                    .as(wrong)
                    .isEqualTo("DF004");
            assertThat(refusal(other, "SELECT df.fail_activity(" + quoted + ", 'no')")
                            .getSQLState())
                    .as(wrong)
                    .isEqualTo("DF004");
            assertThat(other.value("SELECT df.extend_activity(" + quoted + ")")).isEqualTo("f");
        }
        for (String hidden : new String[] {"_activities", "_activity_ends", "_activity_votes", "_activity_channels"}) {
            assertThat(refusal(other, "TABLE df." + hidden).getSQLState()).isEqualTo("42501");
        }
        assertThat(refusal(
                                other,
                                "INSERT INTO df._activity_calls (role, action, kind, number) VALUES ('rights_app', 'claim', 'secret', 1)")
                        .getSQLState())
                .isEqualTo("42501");
        app.execute("SELECT df.complete_activity('" + token + "')");
        assertThat(app.await(id).status()).isEqualTo("completed");
    }

    @Test
    void what_is_revoked_while_it_is_claimed_cannot_be_completed_and_is_claimed_again() throws SQLException {
        app.execute("SELECT df.grant_activity('revoked', 'public')");
        String id = app.start("df.activity('revoked', lease => '1 s')");
        String token = claim(other, "revoked");
        app.execute("SELECT df.revoke_activity('revoked', 'public')");
        assertThat(other.value("SELECT df.extend_activity('" + token + "')")).isEqualTo("f");
        assertThat(refusal(other, "SELECT df.complete_activity('" + token + "')")
                        .getMessage())
                .contains("role \"rights_other\" may not claim activities of kind \"revoked\" any more");
        app.execute("SELECT df.complete_activity('" + claim(app, "revoked") + "')");
        assertThat(app.await(id).status()).isEqualTo("completed");
    }

    @Test
    void the_channel_of_a_kind_is_rung_by_the_worker_and_known_to_its_role_alone() throws SQLException {
        String channel = Objects.requireNonNull(app.value("SELECT df.activity_channel('rung')"));
        assertThat(app.value("SELECT df.activity_channel('rung')")).isEqualTo(channel);
        assertThat(other.value("SELECT df.activity_channel('rung')")).isNotEqualTo(channel);
        app.execute("LISTEN \"" + channel + "\"");
        String id = app.start("df.activity('rung')");
        PGNotification[] heard = app.connection().unwrap(PGConnection.class).getNotifications(20_000);
        assertThat(heard).extracting(PGNotification::getName).contains(channel);
        app.execute("UNLISTEN *; SELECT df.complete_activity('" + claim(app, "rung") + "')");
        assertThat(app.await(id).status()).isEqualTo("completed");
    }

    @Test
    void a_task_is_seen_and_decided_by_members_of_its_roles_and_the_first_decision_wins() throws SQLException {
        String id = app.start(
                "'SELECT 12.50 AS sum' |=> 'o' ~> df.approval('Pay $o.sum EUR?', '{rights_boss}', '{\"sum\": $o.sum}') |=> 'd'"
                        + " ~> 'SELECT $d.decision AS decision, $d.by AS by, $d.comment AS comment'");
        boss.awaitValue("1", "SELECT count(*) FROM df.tasks WHERE title = 'Pay 12.50 EUR?'");
        assertThat(app.value("SELECT df.explain(?)", id)).contains("APPROVAL Pay $o.sum EUR? by rights_boss");
        assertThat(other.value("SELECT count(*) FROM df.tasks")).isEqualTo("0");
        String task = boss.value("SELECT task_id FROM df.tasks WHERE title = 'Pay 12.50 EUR?'");
        assertThat(refusal(other, "SELECT df.decide(" + task + ", 'approved')").getSQLState())
                .isEqualTo("DF004");
        boss.execute("BEGIN; SELECT df.decide(" + task + ", 'rejected', 'not this year'); ROLLBACK");
        assertThat(boss.value("SELECT df.decide(" + task + ", 'approved', 'it''s fine')"))
                .isEqualTo("decided");
        assertThat(refusal(boss, "SELECT df.decide(" + task + ", 'rejected')").getMessage())
                .contains("is decided or over, or it is none of yours");
        assertThat(app.await(id).output())
                .contains("\"decision\":\"approved\"", "\"by\":\"rights_boss\"", "\"comment\":\"it's fine\"");
    }

    @Test
    void the_submitter_may_be_excluded_and_a_quorum_is_of_different_roles() throws SQLException {
        String id = app.start(
                "df.approval('Both', '{rights_app,rights_boss,rights_other}', quorum => 2, not_submitter => true)");
        boss.awaitValue("1", "SELECT count(*) FROM df.tasks WHERE title = 'Both'");
        String task = boss.value("SELECT task_id FROM df.tasks WHERE title = 'Both'");
        assertThat(refusal(app, "SELECT df.decide(" + task + ", 'yes')").getSQLState())
                .isEqualTo("42501");
        assertThat(app.value("SELECT df.explain(?)", id)).contains("nobody has decided yet");
        assertThat(boss.value("SELECT df.decide(" + task + ", 'yes')")).isEqualTo("1 of 2");
        assertThat(app.value("SELECT df.explain(?)", id)).contains("decided: 1 x yes, and it needs 2 alike");
        assertThat(other.value("SELECT count(*) FROM df._open_approvals")).isEqualTo("0");
        assertThat(refusal(boss, "SELECT df.decide(" + task + ", 'yes')").getMessage())
                .contains("has decided task " + task + " already");
        assertThat(other.value("SELECT df.decide(" + task + ", 'yes')")).isEqualTo("decided");
        assertThat(app.await(id).output()).contains("\"votes\"", "rights_other");
    }

    @Test
    void decisions_that_do_not_agree_leave_a_quorum_open_until_another_role_decides() throws SQLException {
        String id = app.start("df.approval('Split', '{rights_boss,rights_other}', quorum => 2) |=> 'd'"
                + " ~> 'SELECT $d.decision AS decision'");
        boss.awaitValue("1", "SELECT count(*) FROM df.tasks WHERE title = 'Split'");
        String task = boss.value("SELECT task_id FROM df.tasks WHERE title = 'Split'");
        boss.execute("SELECT df.decide(" + task + ", 'yes')");
        assertThat(other.value("SELECT df.decide(" + task + ", 'no')")).isEqualTo("1 of 2");
        assertThat(refusal(other, "SELECT df.decide(" + task + ", 'yes')").getMessage())
                .contains("has decided task " + task + " already");
        assertThat(app.value("SELECT df.explain(?)", id)).contains("decided: 1 x no and 1 x yes, and it needs 2 alike");

        try (Submitter third = Submitter.of(database, "rights_third")) {
            database.asSuperuser("GRANT rights_boss TO rights_third");
            assertThat(third.value("SELECT df.decide(" + task + ", 'no')")).isEqualTo("decided");
        }
        assertThat(app.await(id).output()).contains("\"decision\":\"no\"");
    }

    @Test
    void an_approval_that_nobody_decides_goes_another_way_and_one_of_a_missing_role_fails() throws SQLException {
        assertThat(app.run(
                                "df.approval('Slow', '{rights_boss}', within => '50 ms', otherwise => 'SELECT ''nobody'' AS who')")
                        .output())
                .contains("nobody");
        assertThat(boss.value("SELECT count(*) FROM df.tasks WHERE title = 'Slow'"))
                .isEqualTo("0");
        assertThat(app.run("df.approval('Who', '{rights_missing}')").output())
                .contains("role \"rights_missing\" does not exist");
        assertThat(refusal(app, "SELECT df.approval('', '{x}')").getMessage())
                .contains("df.approval: APPROVAL has no title");
        assertThat(refusal(app, "SELECT df.approval('x', '{}')").getMessage()).contains("assignees must be 1 to 100");
    }
}
