package dev.perdure.setup;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** The lines for pg_hba.conf and pg_ident.conf. Whether they work is tried by LoginTest and SetupTest. */
class AccessLinesTest {

    private static final Access CERTIFICATE =
            new Access(AccessMethod.CERTIFICATE, "10.0.7.21/32", false, true, "df_worker");
    private static final Access PEER = new Access(AccessMethod.PEER, "", true, false, "perdure");

    @Test
    void a_certificate_is_asked_for_from_the_workers_address_alone() {
        AccessLines lines = AccessLines.of(plan(CERTIFICATE, "alice", "bob"), 16);

        assertThat(lines.hba()).containsExactly("hostssl  app  df_worker,+df_users  10.0.7.21/32  cert map=perdure");
        assertThat(lines.ident()).containsExactly("perdure  df_worker  df_worker", "perdure  df_worker  +df_users");
    }

    @Test
    void before_16_a_map_has_a_line_for_each_submitter() {
        assertThat(AccessLines.of(plan(CERTIFICATE, "alice", "bob"), 15).ident())
                .containsExactly(
                        "perdure  df_worker  df_worker", "perdure  df_worker  alice", "perdure  df_worker  bob");
    }

    @Test
    void people_get_in_by_peer_as_before() {
        AccessLines lines = AccessLines.of(plan(PEER, "alice"), 16);

        assertThat(lines.hba()).containsExactly("local    app  df_worker,+df_users  peer map=perdure");
        assertThat(lines.ident())
                .containsExactly("perdure  perdure  df_worker", "perdure  perdure  +df_users", "perdure  /^(.*)$  \\1");
    }

    @Test
    void passwords_need_no_map_and_trust_says_whom_it_trusts() {
        Access passwords = new Access(AccessMethod.PASSWORD, "samehost", false, true, "");
        Access trust = new Access(AccessMethod.TRUST, "127.0.0.1/32", false, false, "");

        assertThat(AccessLines.of(plan(passwords, "alice"), 18).hba())
                .containsExactly("hostssl  app  df_worker,+df_users  samehost  scram-sha-256");
        assertThat(AccessLines.of(plan(trust, "alice"), 18).hba())
                .containsExactly("host     app  df_worker,+df_users  127.0.0.1/32  trust");
        assertThat(AccessLines.of(plan(trust, "alice"), 18).caution()).contains("may be any of these roles");
    }

    @Test
    void names_are_quoted_where_they_would_mean_something_else() {
        Plan odd = new Plan("all", "The \"owner\"", "df users", List.of("ö"), CERTIFICATE);

        assertThat(AccessLines.of(odd, 14).hba())
                .containsExactly(
                        "hostssl  \"all\"  \"The \"\"owner\"\"\",+\"df users\"  10.0.7.21/32  cert map=perdure");
        assertThat(AccessLines.of(odd, 14).ident()).contains("perdure  df_worker  \"ö\"");
    }

    private static Plan plan(Access access, String... submitters) {
        return new Plan("app", "df_worker", "df_users", List.of(submitters), access);
    }
}
