package dev.perdure.doctor;

import dev.perdure.database.LogText;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Check of Citus, if it is there: the writes of a step on other nodes are to be committed together with its checkpoint. */
final class CitusCheck implements Check {

    private static final int OLDEST = 12;

    @Override
    public String subject() {
        return "citus";
    }

    @Override
    public List<Finding> look(Patient patient) throws SQLException {
        if (!patient.isTrue("SELECT to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL")) {
            return List.of();
        }
        List<Finding> findings = new ArrayList<>();
        String version = patient.value("SELECT e.extversion FROM pg_extension e WHERE e.extname = 'citus'");
        if (Integer.parseInt(version.replaceAll("[^0-9].*", "")) < OLDEST) {
            findings.add(Finding.problem(subject(), "version " + version, "Citus " + OLDEST + " or later"));
        }
        if (patient.isTrue("SELECT to_regprocedure('df._citus_problem()') IS NOT NULL")) {
            String problem = patient.value("SELECT df._citus_problem()");
            if (!problem.equals("null")) {
                findings.add(Finding.problem(subject(), problem, "no worker leads before that"));
                return findings;
            }
        }
        List<List<@Nullable String>> nodes = patient.rows(
                "SELECT n.nodename || ':' || n.nodeport FROM pg_dist_node n WHERE n.groupid <> 0 AND n.noderole = 'primary' ORDER BY 1");
        if (nodes.isEmpty()) {
            findings.add(Finding.ok(subject(), version + ", without other nodes"));
            return findings;
        }
        coordinator(patient, findings);
        answers(patient, findings);
        if (findings.isEmpty()) {
            findings.add(Finding.ok(
                    subject(),
                    version + ", a coordinator with " + nodes.size()
                            + " other nodes; what steps write there is committed in two phases"));
        }
        String interval = patient.value("SELECT current_setting('citus.recover_2pc_interval')");
        if (patient.isTrue("SELECT s.setting::bigint NOT BETWEEN 1 AND 10000 FROM pg_settings s"
                + " WHERE s.name = 'citus.recover_2pc_interval'")) {
            findings.add(Finding.note(
                    subject(),
                    "what a node had prepared when it crashed is seen citus.recover_2pc_interval after it is up again, which is "
                            + (interval.equals("-1") ? "never" : interval),
                    "citus.recover_2pc_interval = '5s' in postgresql.conf of the coordinator"));
        }
        return findings;
    }

    private void coordinator(Patient patient, List<Finding> findings) throws SQLException {
        if (!patient.isTrue("SELECT EXISTS (SELECT FROM pg_dist_node n WHERE n.groupid = 0)")) {
            findings.add(Finding.problem(
                    subject(),
                    "the coordinator does not know its own address, so that schema df cannot be made ready for its nodes",
                    "SELECT citus_set_coordinator_host('<address by which its nodes reach it>'), as a superuser"));
        } else if (patient.isTrue("SELECT to_regprocedure('df._is_of_coordinator(regclass)') IS NOT NULL")
                && !patient.isTrue("SELECT df._is_of_coordinator(to_regclass('df._two_phase'))")) {
            String text = "schema df is not ready for its nodes, and steps wait";
            findings.add(
                    patient.settings().isNew()
                            ? Finding.note(subject(), text, "a worker that leads makes it ready within seconds")
                            : Finding.problem(
                                    subject(),
                                    text,
                                    "a worker that leads makes it ready within seconds; its log says what keeps it from that"));
        }
        zero(findings, "the coordinator", patient.value("SELECT current_setting('max_prepared_transactions')"));
    }

    private void answers(Patient patient, List<Finding> findings) throws SQLException {
        for (List<@Nullable String> answer : patient.rows(
                """
                SELECT n.nodename || ':' || n.nodeport, n.success, n.result
                FROM run_command_on_workers('SELECT pg_catalog.current_setting(''max_prepared_transactions'')') AS n""")) {
            String node = String.valueOf(answer.get(0));
            String result = Objects.requireNonNullElse(answer.get(2), "no answer");
            if ("t".equals(answer.get(1))) {
                zero(findings, node, result);
            } else {
                findings.add(Finding.problem(
                        subject(),
                        "node " + node + " does not answer the owner of schema df: " + LogText.of(result),
                        "is it up, and do owner and submitters exist there, and may they log in from the coordinator"
                                + " (pg_hba.conf of the node, pg_dist_authinfo)?"));
            }
        }
    }

    private static void zero(List<Finding> findings, String node, String setting) {
        if (setting.equals("0")) {
            findings.add(Finding.problem(
                    "max_prepared_transactions",
                    "0 on " + node + ": what a step writes there cannot be committed with its checkpoint",
                    "max_prepared_transactions = 200 or more in postgresql.conf of every node, and a restart"));
        }
    }
}
