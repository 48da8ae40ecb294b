using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Api.Tests;

/// <summary>The generated contracts of all that is read from and written to the API. Nothing in this program stands in for one that is missing.</summary>
public sealed class ContractTests
{
    private static readonly JsonTypeInfo[] s_objects = Objects();

    // Collecting them throws for a type without one.
    [Fact]
    public void All_that_a_kind_consists_of_has_a_contract() => s_objects.Length.ShouldBeGreaterThan(50);

    [Fact]
    public void What_the_JSON_lacks_has_its_initial_value()
    {
        var tried = 0;
        foreach (var contract in s_objects.Where(static contract => contract.CreateObject is not null && !contract.Properties.Any(static field => field.IsRequired)))
        {
            var read = JsonSerializer.Deserialize("{}", contract);
            JsonSerializer.Serialize(read, contract).ShouldBe(JsonSerializer.Serialize(Activator.CreateInstance(contract.Type), contract), contract.Type.Name);
            tried++;
        }

        tried.ShouldBeGreaterThan(30);
    }

    [Fact]
    public void A_list_that_the_API_gives_as_null_is_empty()
    {
        var read = JsonSerializer.Deserialize("""{ "policies": null, "exclusions": { "namespaces": null }, "lease": "7s" }""", KubernetesJson.Contract<NodeCacheConfigSpec>())!;

        read.Policies.ShouldBeEmpty();
        read.Exclusions.Namespaces.ShouldBeEmpty();
        read.Lease.ShouldBe(TimeSpan.FromSeconds(7));
        read.Settle.ShouldBe(new NodeCacheConfigSpec().Settle);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("\"Faster\"")]
    public void An_enumeration_is_read_by_its_names_alone(string json)
    {
        Should.Throw<JsonException>(() => JsonSerializer.Deserialize(json, KubernetesJson.Contract<AccelerationMode>()));
        JsonSerializer.Serialize(AccelerationMode.Observe, KubernetesJson.Contract<AccelerationMode>()).ShouldBe("\"Observe\"");
    }

    private static JsonTypeInfo[] Objects()
    {
        var seen = new Dictionary<Type, JsonTypeInfo>();
        foreach (var root in new[] { typeof(V1Pod).Assembly, typeof(V1Alpha1NodeCacheConfig).Assembly }
            .SelectMany(static assembly => assembly.GetTypes())
            .Where(static type => type.IsSubclassOf(typeof(JsonSerializerContext)))
            .SelectMany(static type => type.GetCustomAttributesData())
            .Where(static attribute => attribute.AttributeType == typeof(JsonSerializableAttribute))
            .Select(static attribute => (Type)attribute.ConstructorArguments[0].Value!))
        {
            Collect(root, seen);
        }

        return [.. seen.Values.Where(static contract => contract.Kind == JsonTypeInfoKind.Object)];
    }

    private static void Collect(Type type, Dictionary<Type, JsonTypeInfo> seen)
    {
        if (seen.ContainsKey(type))
        {
            return;
        }

        var contract = seen[type] = KubernetesJson.Options.GetTypeInfo(type);
        foreach (var part in contract.Properties.Select(static field => field.PropertyType).Append(contract.ElementType).OfType<Type>())
        {
            Collect(part, seen);
        }
    }
}
