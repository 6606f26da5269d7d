package dev.perdure.web;

import dev.perdure.flow.template.Addresses;
import dev.perdure.store.Address;

/** The page of an address that is opened in a browser: its effect, and a button. Looking does nothing, as scanners of mail look. */
final class AnswerPage {

    private AnswerPage() {}

    /**
     * Asks.
     *
     * @param path of the request
     */
    static String question(Address address, String path) {
        boolean decides = address.kind() == Addresses.DECISION;
        String name = "<b>" + escaped(address.name()) + "</b>";
        return page(
                decides ? "Decide" : "Answer",
                "<p>" + (decides ? "The decision " : "The answer ") + name
                        + " is given to a workflow that waits for it. It can be given once.</p>"
                        + "<form method=\"post\">"
                        + (decides
                                ? "<label>Comment<textarea name=\"comment\" rows=\"4\" maxlength=\"10000\"></textarea></label>"
                                : "")
                        + "<button>" + (decides ? "Decide" : "Send") + "</button></form>",
                path);
    }

    static String said(String title, String path) {
        return page("Perdure", "<p role=\"status\">" + escaped(title) + ".</p>", path);
    }

    /** Files are named from below the address, so that a proxy may serve it under a path. */
    private static String page(String title, String content, String path) {
        return """
                <!doctype html>
                <html lang="en">
                <head>
                  <meta charset="utf-8">
                  <meta name="viewport" content="width=device-width, initial-scale=1">
                  <meta name="color-scheme" content="light dark">
                  <meta name="robots" content="noindex">
                  <title>%1$s</title>
                  <link rel="icon" href="%3$sicon.svg">
                  <link rel="stylesheet" href="%3$spage.css">
                </head>
                <body class="answer"><main><h1>%1$s</h1>%2$s</main></body>
                </html>
                """
                .formatted(
                        title,
                        content,
                        "../".repeat((int) path.chars().filter(c -> c == '/').count() - 1));
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;")
                .replace("'", "&#39;");
    }
}
