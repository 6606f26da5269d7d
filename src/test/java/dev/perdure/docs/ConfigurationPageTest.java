package dev.perdure.docs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.config.PerdureConfig;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** docs/configuration.md lists the properties of {@link PerdureConfig}, all of them and no others, with their defaults. */
class ConfigurationPageTest {

    private static final Pattern ROW = Pattern.compile("(?m)^\\| `(perdure\\.[^`]*)` \\| (?:`([^`]*)`|—) \\| .+ \\|$");

    @Test
    void every_property_is_there_with_its_default() throws IOException {
        Map<String, String> documented = new TreeMap<>();
        Matcher row = ROW.matcher(Files.readString(Path.of("docs", "configuration.md")));
        while (row.find()) {
            documented.put(row.group(1), row.group(2) == null ? "" : row.group(2));
        }
        Map<String, String> existing = new TreeMap<>();
        collect("perdure", PerdureConfig.class, existing);

        assertThat(documented).containsExactlyEntriesOf(existing);
    }

    private static void collect(String prefix, Class<?> group, Map<String, String> properties) {
        for (Method method : group.getMethods()) {
            WithName name = method.getAnnotation(WithName.class);
            String property = prefix + "." + (name == null ? kebab(method.getName()) : name.value());
            if (method.getGenericReturnType() instanceof ParameterizedType map
                    && map.getRawType() == Map.class
                    && map.getActualTypeArguments()[1] instanceof Class<?> value
                    && value.getPackage().equals(PerdureConfig.class.getPackage())) {
                collect(property + ".<name>", value, properties);
                continue;
            }
            boolean isGroup = method.getReturnType().isInterface()
                    && PerdureConfig.class
                            .getPackage()
                            .equals(method.getReturnType().getPackage());
            if (isGroup) {
                collect(property, method.getReturnType(), properties);
            } else {
                WithDefault value = method.getAnnotation(WithDefault.class);
                properties.put(property, value == null ? "" : value.value());
            }
        }
    }

    private static String kebab(String name) {
        return name.replaceAll("([A-Z])", "-$1").toLowerCase(java.util.Locale.ROOT);
    }
}
