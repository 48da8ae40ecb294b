using System.Text.Json;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Serialization;
using OnCache.Kubernetes.Tests.Fakes;

namespace OnCache.Kubernetes.Tests.Serialization;

public sealed class KubernetesJsonTests
{
    [Fact]
    public void What_a_newer_server_adds_to_a_lease_is_kept()
    {
        var lease = Read<V1Lease>(
            """{"spec":{"holderIdentity":"a","strategy":"OldestEmulationVersion","renewTime":"2026-01-01T00:00:00.5Z"}}""");

        KubernetesJson.ToNode(lease)["spec"]!.ToJsonString().ShouldBe(
            """{"holderIdentity":"a","renewTime":"2026-01-01T00:00:00.500000Z","strategy":"OldestEmulationVersion"}""");
    }

    [Fact]
    public void A_null_where_a_list_belongs_is_an_empty_list() =>
        Read<V1NetworkPolicy>("""{"spec":{"ingress":null,"podSelector":{"matchLabels":null}}}""").Spec.ShouldSatisfyAllConditions(
            spec => spec.Ingress.ShouldBeEmpty(),
            spec => spec.PodSelector.MatchLabels.ShouldBeEmpty());

    [Fact]
    public void Of_managed_fields_the_latest_time_is_read_and_nothing_is_written()
    {
        var map = Read<V1ConfigMap>(
            """
            {"metadata":{"name":"a","managedFields":[
              {"manager":"x","time":"2026-01-01T00:00:05Z","fieldsV1":{"f:data":{"time":"2027-01-01T00:00:00Z"}}},
              {"time":"2026-01-01T00:00:07Z","manager":"y"},{"manager":"z"}],"uid":"u"}}
            """);

        map.Metadata.LastChange.ShouldBe(new DateTimeOffset(2026, 1, 1, 0, 0, 7, TimeSpan.Zero));
        map.Metadata.Uid.ShouldBe("u");
        KubernetesJson.ToNode(map)["metadata"]!.ToJsonString().ShouldBe("""{"name":"a","uid":"u"}""");
    }

    [Theory]
    [InlineData("""{"spec":{"ingress":[{"ports":[{"port":80}]}]}}""", "80")]
    [InlineData("""{"spec":{"ingress":[{"ports":[{"port":"http"}]}]}}""", "http")]
    public void A_port_is_a_number_or_a_name(string json, string expected)
    {
        var policy = Read<V1NetworkPolicy>(json);

        policy.Spec.Ingress[0].Ports[0].Port.ToString().ShouldBe(expected);
        JsonSerializer.Serialize(policy.Spec.Ingress[0].Ports[0], KubernetesJson.Options).ShouldBe(
            json[(json.IndexOf("[{\"port\"", StringComparison.Ordinal) + 1)..^5]);
    }

    [Theory]
    [InlineData("""{"spec":{"color":"Green"}}""")]
    [InlineData("""{"spec":{"color":1}}""")]
    [InlineData("""{"spec":{"size":"3"}}""")]
    [InlineData("""{"spec":{"life":"soon"}}""")]
    public void Values_of_a_wrong_kind_are_refused(string json) => Should.Throw<JsonException>(() => Read<Widget>(json));

    [Fact]
    public void Unknown_fields_are_ignored() => Read<Widget>("""{"spec":{"size":3,"news":true},"more":{}}""").Spec.Size.ShouldBe(3);

    [Theory]
    [InlineData("true", "'true'")]
    [InlineData("1", "'1'")]
    [InlineData("plain words", "plain words")]
    [InlineData("a: b", "'a: b'")]
    [InlineData("it's", "'it''s'")]
    [InlineData("", "''")]
    [InlineData("two\nlines", "\"two\\nlines\"")]
    public void Texts_stay_texts_in_yaml(string text, string expected) =>
        YamlText.Of(new System.Text.Json.Nodes.JsonObject { ["x"] = text }).ShouldBe($"x: {expected}\n");

    [Fact]
    public void A_type_whose_contract_would_lose_something_is_refused()
    {
        Should.Throw<InvalidOperationException>(KubernetesJson.Contract<HalfParameters>).Message.ShouldContain("HalfParameters.Place would lose its initial value");
        Should.Throw<InvalidOperationException>(KubernetesJson.Contract<Nameless>).Message.ShouldContain("EnumText<Nameless>");
    }

    private static T Read<T>(string json) => JsonSerializer.Deserialize<T>(json, KubernetesJson.Options)!;
}
