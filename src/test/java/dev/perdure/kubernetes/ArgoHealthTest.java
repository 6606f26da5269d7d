package dev.perdure.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luaj.vm2.Globals;
import org.luaj.vm2.LuaTable;
import org.luaj.vm2.LuaValue;
import org.luaj.vm2.lib.jse.JsePlatform;

/** The health check of docs/kubernetes.md, as Argo CD runs it. */
class ArgoHealthTest {

    private static final Pattern BLOCK = Pattern.compile("(?ms)^```lua\\n(.*?)^```");

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            {metadata: {generation: 1}}                                                                                                                                                 | Progressing
            {metadata: {generation: 2}, spec: {}, status: {observedGeneration: 1, conditions: [{type: Ready, status: 'True', message: m}]}}                                              | Progressing
            {metadata: {generation: 1}, spec: {}, status: {observedGeneration: 1, conditions: [{type: Ready, status: 'False', message: m}, {type: Reconciling, status: 'True'}]}}        | Progressing
            {metadata: {generation: 1}, spec: {}, status: {observedGeneration: 1, conditions: [{type: Ready, status: 'True', message: m}, {type: Complete, status: 'True'}]}}            | Healthy
            {metadata: {generation: 1}, spec: {}, status: {observedGeneration: 1, conditions: [{type: Ready, status: 'False', message: m}, {type: Stalled, status: 'True', message: n}]}} | Degraded
            {metadata: {generation: 1}, spec: {suspend: true}, status: {observedGeneration: 1, conditions: [{type: Ready, status: 'True', message: m}]}}                                 | Suspended
            """)
    void tells_how_a_resource_fares(String resource, String expected) throws IOException {
        Matcher block = BLOCK.matcher(Files.readString(Path.of("docs", "kubernetes.md")));
        assertThat(block.find()).as("a block of Lua").isTrue();
        Globals globals = JsePlatform.standardGlobals();
        globals.set("obj", lua(Serialization.unmarshal("---\n" + resource, JsonNode.class)));

        LuaValue health = globals.load(block.group(1)).call();

        assertThat(health.get("status").tojstring()).isEqualTo(expected);
        assertThat(health.get("message").isstring()).isTrue();
    }

    private static LuaValue lua(JsonNode value) {
        if (value.isContainerNode()) {
            LuaTable table = new LuaTable();
            if (value.isObject()) {
                value.properties().forEach(field -> table.set(field.getKey(), lua(field.getValue())));
            } else {
                for (int i = 0; i < value.size(); i++) {
                    table.set(i + 1, lua(value.get(i)));
                }
            }
            return table;
        }
        return value.isBoolean()
                ? LuaValue.valueOf(value.booleanValue())
                : value.isNumber() ? LuaValue.valueOf(value.intValue()) : LuaValue.valueOf(value.asText());
    }
}
