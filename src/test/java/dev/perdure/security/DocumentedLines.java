package dev.perdure.security;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The lines for {@code pg_hba.conf} and {@code pg_ident.conf} that docs/security.md tells people to write. */
final class DocumentedLines {

    private DocumentedLines() {}

    /**
     * The block of the page with this language and these words behind it.
     *
     * @param info such as {@code pg_ident peer 16}
     */
    static String of(String info) {
        String page;
        try {
            page = Files.readString(Path.of("docs", "security.md"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Matcher block = Pattern.compile("(?ms)^```" + Pattern.quote(info) + "$\\n(.*?)^```$")
                .matcher(page);
        if (!block.find()) {
            throw new AssertionError("docs/security.md has no block of " + info);
        }
        return block.group(1);
    }
}
