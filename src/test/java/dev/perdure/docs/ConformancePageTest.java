package dev.perdure.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Test;
import org.junit.platform.commons.annotation.Testable;
import org.junit.platform.commons.support.AnnotationSupport;

/** Every rule of docs/conformance.md names tests, and all of them exist and are run. */
class ConformancePageTest {

    private static final Path TESTS = Path.of("src", "test", "java");
    private static final Pattern ROW = Pattern.compile("(?m)^\\| (?!rule \\||---)(.+?) \\| (.*) \\|$");
    private static final Pattern REFERENCE = Pattern.compile("`(\\w+)\\.(\\w+)`");

    @Test
    void every_rule_names_tests_that_exist() throws IOException {
        assertThat(problems(Files.readString(Path.of("docs", "conformance.md"))))
                .isEmpty();
    }

    @Test
    void a_page_that_has_rotted_is_found() throws IOException {
        assertThat(
                        problems(
                                """
                        | rule | test |
                        |---|---|
                        | good | `ConformancePageTest.every_rule_names_tests_that_exist` |
                        | no class | `NoSuchTest.every_rule_names_tests_that_exist` |
                        | no method | `ConformancePageTest.renamed` |
                        | no test | `ConformancePageTest.problems` |
                        | nothing | see above |
                        | both | `ConformancePageTest.every_rule_names_tests_that_exist`, `ConformancePageTest.gone` |
                        """))
                .containsExactly(
                        "no class: there is no class NoSuchTest",
                        "no method: there is no test ConformancePageTest.renamed",
                        "no test: there is no test ConformancePageTest.problems",
                        "nothing: names no test",
                        "both: there is no test ConformancePageTest.gone");
        assertThat(problems("# A page without rules")).containsExactly("there are no rules");
    }

    private static List<String> problems(String page) throws IOException {
        Map<String, String> classes = classes();
        List<String> problems = new ArrayList<>();
        Matcher row = ROW.matcher(page);
        int rules = 0;
        while (row.find()) {
            rules++;
            String rule = row.group(1);
            Matcher reference = REFERENCE.matcher(row.group(2));
            boolean found = false;
            while (reference.find()) {
                found = true;
                String type = classes.get(reference.group(1));
                if (type == null) {
                    problems.add(rule + ": there is no class " + reference.group(1));
                } else if (!isTest(type, reference.group(2))) {
                    problems.add(rule + ": there is no test " + reference.group(1) + "." + reference.group(2));
                }
            }
            if (!found) {
                problems.add(rule + ": names no test");
            }
        }
        return rules == 0 ? List.of("there are no rules") : problems;
    }

    private static Map<String, String> classes() throws IOException {
        try (Stream<Path> files = Files.walk(TESTS)) {
            return files.map(file -> TESTS.relativize(file).toString().replace('\\', '/'))
                    .filter(file -> file.endsWith(".java") && !file.endsWith("package-info.java"))
                    .map(file ->
                            file.substring(0, file.length() - ".java".length()).replace('/', '.'))
                    .collect(Collectors.toMap(name -> name.substring(name.lastIndexOf('.') + 1), name -> name));
        }
    }

    private static boolean isTest(String type, String name) {
        try {
            // Not initialized: a class may start a server.
            Class<?> owner = Class.forName(type, false, ConformancePageTest.class.getClassLoader());
            for (Method method : owner.getDeclaredMethods()) {
                if (method.getName().equals(name)
                        && AnnotationSupport.isAnnotated(method, Testable.class)
                        && !AnnotationSupport.isAnnotated(method, Disabled.class)
                        && !AnnotationSupport.isAnnotated(owner, Disabled.class)) {
                    return true;
                }
            }
            return false;
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(type + " is not compiled", e);
        }
    }
}
