package dev.perdure.setup;

import java.util.List;

/**
 * Roles and database to set up.
 *
 * @param database that gets the schema {@code df}
 * @param owner of the schema, the worker's own role
 * @param group of all submitters, a role without LOGIN
 * @param submitters who start workflows
 */
public record Plan(String database, String owner, String group, List<String> submitters, Access access) {

    public Plan {
        submitters = List.copyOf(submitters);
    }

    /** The same for other submitters. */
    public Plan withSubmitters(List<String> others) {
        return new Plan(database, owner, group, others, access);
    }
}
