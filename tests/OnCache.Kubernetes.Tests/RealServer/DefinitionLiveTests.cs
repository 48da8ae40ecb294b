using System.Text.Json.Nodes;

namespace OnCache.Kubernetes.Tests.RealServer;

/// <summary>A generated definition in the eyes of a real server and of kubectl.</summary>
[Collection(RealServerTests.Name)]
public sealed class DefinitionLiveTests(RealApiServer server)
{
    [Fact]
    public async Task The_schema_is_structural_and_the_names_are_taken()
    {
        var definition = JsonNode.Parse(await KubectlAsync(null, "get", "crd", "widgets.tests.example.com", "-o", "json"))!;

        var conditions = definition["status"]!["conditions"]!.AsArray().ToDictionary(
            condition => (string)condition!["type"]!, condition => (string)condition!["status"]!);
        conditions.ShouldNotContainKey("NonStructuralSchema");
        conditions["Established"].ShouldBe("True");
        conditions["NamesAccepted"].ShouldBe("True");
    }

    [Fact]
    public async Task Defaults_are_filled_in_as_the_code_assumes()
    {
        var created = JsonNode.Parse(await KubectlAsync(
            """{"apiVersion":"tests.example.com/v1","kind":"Widget","metadata":{"name":"defaults"}}""",
            "create", "--validate=false", "-o", "json", "-f", "-"))!;

        created["spec"]!.AsObject()
            .OrderBy(field => field.Key, StringComparer.Ordinal)
            .Select(field => $"{field.Key}={field.Value!.ToJsonString()}")
            .ShouldBe(
            [
                "coat={\"shiny\":false,\"thickness\":0.5}",
                "color=\"Red\"",
                "life=\"1m30s\"",
                "places=[\"here\"]",
                "size=1",
            ]);
    }

    [Fact]
    public async Task Descriptions_and_columns_reach_the_user()
    {
        (await KubectlAsync(null, "explain", "widgets.spec.coat.thickness")).ShouldContain("How thick, in millimetres.");
        _ = await KubectlAsync(
            """{"apiVersion":"tests.example.com/v1","kind":"Widget","metadata":{"name":"columns"},"spec":{"size":7}}""",
            "create", "--validate=false", "-f", "-");

        var table = await KubectlAsync(null, "get", "wdg", "columns");

        table.Split('\n')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries).ShouldBe(["NAME", "SIZE", "PHASE"]);
        table.Split('\n')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries).ShouldBe(["columns", "7"]);
    }

    private async Task<string> KubectlAsync(string? input, params string[] arguments)
    {
        var result = await server.Plane.KubectlAsync(arguments, input, TestContext.Current.CancellationToken);
        // Discovery and the OpenAPI document follow a new definition a moment later.
        for (var attempt = 0; result.ExitCode != 0 && attempt < 100; attempt++)
        {
            await Task.Delay(200, TestContext.Current.CancellationToken);
            result = await server.Plane.KubectlAsync(arguments, input, TestContext.Current.CancellationToken);
        }

        result.ExitCode.ShouldBe(0, result.Error);
        return result.Output;
    }
}
