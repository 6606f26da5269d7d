package dev.perdure.web;

import dev.perdure.web.login.Groups;
import org.jspecify.annotations.Nullable;

/**
 * The others that vouch for people, and the roles of these people.
 *
 * @param groups the roles of their groups
 * @param proxy proxies that are believed
 * @param provider an OpenID provider, or null
 */
public record Outside(Groups groups, Proxy proxy, @Nullable IdentityProvider provider) {

    /** People have their password only. */
    public static final Outside NONE = new Outside(Groups.NONE, Proxy.NONE, null);
}
