package dev.perdure.web;

import io.vertx.core.http.Cookie;
import io.vertx.core.http.CookieSameSite;

/**
 * The cookies of a database. Their names say which it is, so that a browser can be logged in to several, and what is sent for one is never
 * looked at for another. They are only ever sent to this host, over TLS or to the machine itself, and not for scripts.
 *
 * @param suffix empty where there is one database only. No name of a database has a dot
 */
record Cookies(String suffix) {

    private static final String LOGIN = "__Host-perdure";
    private static final String ROLE = "__Host-perdure-role";
    private static final String GOING = "__Host-perdure-going";

    /** The cookies of a worker with one database. */
    static final Cookies OF_ONLY = new Cookies("");

    /** Those of one of several databases. */
    static Cookies of(String database) {
        return new Cookies('.' + database);
    }

    /** The secret of a login. */
    String login() {
        return LOGIN + suffix;
    }

    /** The role of several that a user acts as; no secret. */
    String chosenRole() {
        return ROLE + suffix;
    }

    /** The database of a login that is at the provider; no secret. */
    static String going() {
        return GOING;
    }

    static Cookie of(String name, String value) {
        return Cookie.cookie(name, value)
                .setHttpOnly(true)
                .setSecure(true)
                .setSameSite(CookieSameSite.STRICT)
                .setPath("/");
    }

    static Cookie gone(String name) {
        return of(name, "").setMaxAge(0);
    }
}
