package dev.perdure.web;

import dev.perdure.testing.DebianServer;
import org.awaitility.Awaitility;

/** Somebody in front of the browser, at the dashboard that has this address. */
final class Visitor {

    private final Browser browser;
    private final String base;

    /**
     * A visitor of a dashboard.
     *
     * @param base where it is, {@code http://localhost:8090}: cookies are not sent to 127.0.0.1
     */
    Visitor(Browser browser, String base) {
        this.browser = browser;
        this.base = base;
    }

    /** Goes to a page, such as {@code instances/5c1f09ab}. */
    void open(String page) {
        browser.go(base + "/#/" + page);
    }

    /** Comes to the form; whoever is logged in is logged out before. */
    void logOut() {
        browser.go(base + "/");
        browser.await("input[name=role], #role");
        if (!browser.texts("#role").isEmpty()) {
            browser.click("header button");
        }
        browser.await("input[name=role]");
    }

    /** Sends the form that is there. */
    void enter(String role, String password) {
        browser.type("input[name=role]", role);
        browser.type("input[name=password]", password);
        browser.click("form button");
    }

    /** Sends the form that is there with the password of the tests, and is let in. */
    void logIn(String role) {
        enter(role, DebianServer.password(role));
        browser.awaitText("#role", role);
    }

    /** Is logged in as this role and no other. */
    void become(String role) {
        browser.go(base + "/");
        browser.await("input[name=role], #role");
        if (browser.texts("#role").contains(role)) {
            return;
        }
        logOut();
        logIn(role);
    }

    /** Waits until the page is told what changes, and asks by itself no more than each ten seconds. */
    void awaitLive() {
        Awaitility.await("the page is told what changes")
                .until(() -> browser.script("return document.documentElement.dataset.live === 'true'")
                        .asBoolean());
    }
}
