package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** A6. */
public final class Notices implements Attack {

    @Override
    public String name() {
        return "notices";
    }

    @Override
    public String does() {
        return "has steps send notices without end, though nobody has asked for any";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(4, 16);
        attackers.start(
                times,
                "'DO $d$BEGIN SET LOCAL client_min_messages = notice; FOR i IN 1..400 LOOP"
                        + " RAISE NOTICE ''%'', repeat(''x'', 1000000); END LOOP; END$d$'");
        attackers.start(
                times,
                "'DO $d$BEGIN FOR i IN 1..100000 LOOP PERFORM set_config(''application_name'', md5(i::text), false);"
                        + " END LOOP; END$d$'");
        return 2 * times + " steps";
    }
}
