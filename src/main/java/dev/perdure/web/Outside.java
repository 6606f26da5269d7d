package dev.perdure.web;

import dev.perdure.web.login.Groups;
import org.jspecify.annotations.Nullable;

/**
 * Who else says who people are, and which roles they have then.
 *
 * @param groups the roles of their groups
 * @param proxy proxies that are believed
 * @param provider an OpenID provider, or null
 */
public record Outside(Groups groups, Proxy proxy, @Nullable IdentityProvider provider) {

    /** People have their password only. */
    public static final Outside NONE = new Outside(Groups.NONE, Proxy.NONE, null);
}
