package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;
import java.util.List;

/** A16, A10. */
public final class OddValues implements Attack {

    private static final List<String> STATEMENTS = List.of(
            "SELECT '1e2147483648'::json AS n",
            "SELECT '-1e2147483647'::json AS n, '1e-2147483648'::json AS m",
            "SELECT timestamptz '12026-01-01' AS t, timestamptz '4713-01-01 BC' AS b, date 'infinity' AS i",
            "SELECT 'NaN'::float8 AS a, '-Infinity'::float4 AS b, 'NaN'::numeric AS c",
            "SELECT (repeat('[', 6000) || repeat(']', 6000))::json AS deep",
            "SELECT '\"\\ud800\"'::json AS lone",
            "SELECT chr(1) || chr(127) || chr(1114111) AS c",
            "SELECT interval '178000000 years' AS i, '1 day'::interval * 1e8 AS j",
            "SELECT row(1, row(2, null)) AS r, ARRAY[ARRAY[1], ARRAY[2]] AS a, '{}'::int[] AS e, 'x'::\"char\" AS q",
            "SET standard_conforming_strings = off",
            "SET client_min_messages = debug5",
            "SET DateStyle = 'German'",
            "SET client_encoding = 'LATIN1'",
            "SET statement_timeout = 1",
            "SELECT '\\' -- ' ; COMMIT",
            "SET search_path = nowhere",
            "SELECT set_config('role', 'nobody', false)");

    @Override
    public String name() {
        return "odd-values";
    }

    @Override
    public String does() {
        return "has steps return values at the edge of their types, and change how text is read";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        for (String statement : STATEMENTS) {
            attackers.start(
                    5,
                    "$s$" + statement
                            + "$s$ |=> 'r' ~> 'SELECT $r.n, $r.t, $r.a, $r.i' ~> 'SELECT ''\\'' -- '' ; COMMIT'");
            attackers.start(5, "$s$" + statement + "$s$ ~> df.sleep(0) ~> $s$" + statement + "$s$ ~> 'SELECT 1'");
        }
        attackers.await("SELECT count(*) = 0 FROM df.instances WHERE output IS NULL");
        return STATEMENTS.size() + " statements: " + attackers.statuses();
    }
}
