package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** A8. How slow a name that does not resolve is depends on the resolver of the machine. */
public final class UnresolvableNames implements Attack {

    @Override
    public String name() {
        return "unresolvable-names";
    }

    @Override
    public String does() {
        return "sends requests to names that do not resolve";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        attackers.start(600, "df.http('http://host' || i || '.perdure-attack.example/')");
        return "600 requests";
    }
}
