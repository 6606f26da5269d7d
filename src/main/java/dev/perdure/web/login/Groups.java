package dev.perdure.web.login;

import dev.perdure.web.Problem;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The roles of the members of groups, when another party vouches for them.
 *
 * @param roles the role of each group
 */
public record Groups(Map<String, String> roles) {

    private static final int SHOWN = 10;

    /** Nobody has a role. */
    public static final Groups NONE = new Groups(Map.of());

    /** The roles of somebody who is in these groups, each once, in the order of their names. */
    public List<String> rolesOf(Collection<String> groups) throws Problem {
        List<String> found = groups.stream()
                .filter(roles::containsKey)
                .map(roles::get)
                .distinct()
                .sorted()
                .toList();
        if (found.isEmpty()) {
            throw Problem.of(
                    403,
                    "None of your groups has a role here",
                    groups.isEmpty()
                            ? "No group was named; perdure.web.roles maps groups to roles."
                            : "perdure.web.roles has no role for "
                                    + groups.stream().sorted().limit(SHOWN).collect(Collectors.joining(", ")));
        }
        return found;
    }

    /**
     * The one that somebody acts as.
     *
     * @param wanted the role that they ask for, or null
     * @param orFirst whether the first is taken where there are several and they ask for none
     */
    public static String choose(List<String> roles, @Nullable String wanted, boolean orFirst) throws Problem {
        if (wanted != null) {
            if (!roles.contains(wanted)) {
                throw Problem.of(403, "Your groups do not have this role", String.join(", ", roles));
            }
            return wanted;
        }
        if (roles.size() > 1 && !orFirst) {
            throw Problem.of(
                    403,
                    "Your groups have several roles",
                    "The header X-Perdure-Role names one of " + String.join(", ", roles));
        }
        return roles.get(0);
    }
}
