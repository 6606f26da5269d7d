package dev.perdure.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Links between pages lead to a file and a heading that exist, and each page can be found from an index. */
class LinksPageTest {

    private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
    private static final Pattern HEADING = Pattern.compile("(?m)^#{1,6} (.+)$");
    private static final Pattern FENCE = Pattern.compile("(?ms)^```.*?^```$");

    @Test
    void every_link_leads_somewhere() {
        List<String> broken = new ArrayList<>();
        for (Path page : pages()) {
            Matcher link = LINK.matcher(FENCE.matcher(read(page)).replaceAll(""));
            while (link.find()) {
                String target = link.group(1);
                if (!target.contains("://") && !target.startsWith("mailto:") && !leads(page, target)) {
                    broken.add(page + ": " + target);
                }
            }
        }
        assertThat(broken).isEmpty();
    }

    @Test
    void every_page_is_in_the_index() {
        assertThat(linksOf(Path.of("docs", "README.md"))).containsAll(names(Path.of("docs")));
    }

    @Test
    void every_decision_is_in_its_index_and_has_its_number() {
        Path decisions = Path.of("docs", "adr");
        assertThat(linksOf(decisions.resolve("README.md"))).containsAll(names(decisions));
        assertThat(names(decisions)).allSatisfy(name -> assertThat(read(decisions.resolve(name)))
                .startsWith("# " + Integer.parseInt(name.substring(0, 4)) + ". "));
    }

    private static boolean leads(Path page, String target) {
        int hash = target.indexOf('#');
        String file = hash < 0 ? target : target.substring(0, hash);
        Path there = file.isEmpty() ? page : page.resolveSibling(file).normalize();
        if (!Files.exists(there)) {
            return false;
        }
        return hash < 0
                || !there.toString().endsWith(".md")
                || anchors(read(there)).contains(target.substring(hash + 1));
    }

    /** As GitHub makes them: lower case, without punctuation, a dash for each blank, a number for a repeated heading. */
    private static Set<String> anchors(String markdown) {
        Set<String> anchors = new HashSet<>();
        Matcher heading = HEADING.matcher(FENCE.matcher(markdown).replaceAll(""));
        while (heading.find()) {
            String anchor = heading.group(1)
                    .strip()
                    .toLowerCase(Locale.ROOT)
                    .replaceAll("[^\\p{L}\\p{N}_ -]", "")
                    .replace(' ', '-');
            for (int i = 1; !anchors.add(i == 1 ? anchor : anchor + "-" + (i - 1)); i++) {
                // the next number
            }
        }
        return anchors;
    }

    private static Set<String> linksOf(Path page) {
        Set<String> links = new HashSet<>();
        Matcher link = LINK.matcher(read(page));
        while (link.find()) {
            links.add(link.group(1));
        }
        return links;
    }

    private static List<String> names(Path folder) {
        return list(folder)
                .map(file -> file.getFileName().toString())
                .filter(name -> !name.equals("README.md"))
                .toList();
    }

    private static List<Path> pages() {
        return Stream.of(
                        Stream.of("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
                                .map(Path::of),
                        list(Path.of("docs")),
                        list(Path.of("docs", "adr")))
                .flatMap(files -> files)
                .toList();
    }

    private static Stream<Path> list(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".md")).sorted().toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
