package dev.perdure.setup;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The lines for <a href="https://www.postgresql.org/docs/current/auth-pg-hba-conf.html">pg_hba.conf</a> and
 * <a href="https://www.postgresql.org/docs/current/auth-username-maps.html">pg_ident.conf</a>. They are for the worker alone:
 * bound to its address, so that nobody else's way of logging in changes. Lines for Unix sockets cannot be bound to one, so the map
 * lets everybody in as who they are, as {@code peer} does without a map.
 *
 * @param hba for pg_hba.conf, above all others
 * @param ident for pg_ident.conf; empty when no map is needed
 * @param caution what the reader has to know; empty when there is nothing
 */
public record AccessLines(List<String> hba, List<String> ident, String caution) {

    private static final String MAP = "perdure";
    /** From this version on a map knows groups. */
    private static final int GROUPS_IN_MAPS = 16;

    private static final Set<String> KEYWORDS = Set.of("all", "replication", "sameuser", "samerole", "samegroup");

    /**
     * The lines of a plan.
     *
     * @param version the server's major version
     */
    public static AccessLines of(Plan plan, int version) {
        Access access = plan.access();
        String users = word(plan.owner()) + ",+" + word(plan.group());
        return switch (access.method()) {
            case PASSWORD -> new AccessLines(List.of(line(plan, users, "scram-sha-256")), List.of(), "");
            case CERTIFICATE ->
                new AccessLines(
                        List.of(line(plan, users, "cert map=" + MAP)),
                        map(plan, version),
                        "From " + access.address()
                                + " these roles get in by the worker's certificate alone: give the worker's own address, not a"
                                + " network from which people log in too.");
            case PEER ->
                new AccessLines(
                        List.of(line(plan, users, "peer map=" + MAP)),
                        Stream.concat(map(plan, version).stream(), Stream.of(row("/^(.*)$", "\\1")))
                                .toList(),
                        "The last line of the map is for people: who is alice on the machine may be the role alice, as ever. Where"
                                + " they use passwords on the socket, let them use host=localhost.");
            case TRUST ->
                new AccessLines(
                        List.of(line(plan, users, "trust")),
                        List.of(),
                        "Everybody who reaches " + (access.socket() ? "the socket" : access.address())
                                + " may be any of these roles.");
        };
    }

    private static String line(Plan plan, String users, String method) {
        Access access = plan.access();
        String database = word(plan.database());
        if (access.socket()) {
            return "local    " + database + "  " + users + "  " + method;
        }
        boolean tls = access.tls() || access.method() == AccessMethod.CERTIFICATE;
        return (tls ? "hostssl  " : "host     ") + database + "  " + users + "  " + access.address() + "  " + method;
    }

    private static List<String> map(Plan plan, int version) {
        String who = word(plan.access().knownAs());
        List<String> rows = new ArrayList<>();
        rows.add(row(who, word(plan.owner())));
        if (version >= GROUPS_IN_MAPS) {
            rows.add(row(who, "+" + word(plan.group())));
        } else {
            plan.submitters().forEach(role -> rows.add(row(who, word(role))));
        }
        return rows;
    }

    private static String row(String who, String role) {
        return MAP + "  " + who + "  " + role;
    }

    /** A name as these files want it. */
    static String word(String name) {
        return name.matches("[a-zA-Z0-9_.-]+") && !KEYWORDS.contains(name)
                ? name
                : '"' + name.replace("\"", "\"\"") + '"';
    }
}
