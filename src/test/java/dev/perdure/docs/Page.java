package dev.perdure.docs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One page of the documentation.
 *
 * @param name as it is shown, relative to the repository
 * @param fixture what its examples start from, the text of a comment {@code <!-- fixture: … -->}
 * @param blocks its fenced blocks, in order
 */
record Page(String name, Optional<String> fixture, List<Block> blocks) {

    /**
     * A fenced block.
     *
     * @param page the page's name
     * @param line of its opening fence, from 1
     * @param language the first word behind the fence
     * @param role the second: who runs it
     * @param answer the block of {@code text} that follows directly, if there is one
     */
    record Block(String page, int line, String language, String role, String text, @Nullable String answer) {

        /** Where it is, for people and editors. */
        String place() {
            return page + ":" + line;
        }

        boolean isSql() {
            return language.equals("sql");
        }
    }

    private static final Pattern FIXTURE = Pattern.compile("<!-- fixture: (.*?) -->");

    /** README.md and docs/*.md. */
    static List<Page> all() {
        try (Stream<Path> docs = Files.list(Path.of("docs"))) {
            return Stream.concat(Stream.of(Path.of("README.md")), docs.sorted())
                    .filter(file -> file.toString().endsWith(".md"))
                    .map(Page::read)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One of them, {@code docs/name.md}. */
    static Page of(String name) {
        return read(Path.of("docs", name));
    }

    private static Page read(Path file) {
        try {
            return parse(file.toString().replace('\\', '/'), Files.readString(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Page parse(String name, String markdown) {
        List<Block> blocks = new ArrayList<>();
        List<String> lines = markdown.lines().toList();
        int lastEnd = -1;
        for (int i = 0; i < lines.size(); i++) {
            if (!lines.get(i).startsWith("```")) {
                continue;
            }
            int begin = i;
            List<String> body = new ArrayList<>();
            for (i++; i < lines.size() && !lines.get(i).startsWith("```"); i++) {
                body.add(lines.get(i));
            }
            String text = String.join("\n", body);
            String[] words = lines.get(begin).substring(3).strip().split("\\s+");
            boolean answers = words[0].equals("text")
                    && !blocks.isEmpty()
                    && blocks.get(blocks.size() - 1).isSql()
                    && lines.subList(lastEnd + 1, begin).stream().allMatch(String::isBlank);
            if (answers) {
                Block asked = blocks.remove(blocks.size() - 1);
                blocks.add(new Block(name, asked.line(), "sql", asked.role(), asked.text(), text));
            } else {
                blocks.add(new Block(name, begin + 1, words[0], words.length > 1 ? words[1] : "", text, null));
            }
            lastEnd = i;
        }
        Matcher fixture = FIXTURE.matcher(markdown);
        return new Page(name, fixture.find() ? Optional.of(fixture.group(1)) : Optional.empty(), blocks);
    }
}
