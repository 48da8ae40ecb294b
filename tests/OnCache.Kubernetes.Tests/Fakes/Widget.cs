using System.Text.Json.Serialization;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Tests.Fakes;

/// <summary>A custom resource of the tests, which uses all a schema can say.</summary>
[KubernetesEntity(Group = "tests.example.com", ApiVersion = "v1", Kind = "Widget")]
[KubernetesEntityShortNames("wd", "wdg")]
[KubernetesEntityCategories("tests")]
[GenericAdditionalPrinterColumn(".spec.size", "Size", "integer", Description = "How big")]
[GenericAdditionalPrinterColumn(".status.phase", "Phase", "string")]
[GenericAdditionalPrinterColumn(".metadata.creationTimestamp", "Age", "date", Priority = 1)]
public sealed record Widget : CustomKubernetesEntity<WidgetSpec, WidgetStatus>;

/// <summary>What is wanted of a widget.</summary>
[ValidationRule("self.size < 100 || self.color == 'Blue'", Message = "a widget of 100 or more must be Blue")]
public sealed record WidgetSpec
{
    /// <summary>How big, in <see cref="Parts"/>; not <c>null</c>.</summary>
    [RangeMinimum(1)]
    [RangeMaximum(1000)]
    public int Size { get; init; } = 1;

    /// <summary>Which colour.</summary>
    public WidgetColor Color { get; init; }

    [Description("How long it lives.")]
    public TimeSpan Life { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>What it is made of.</summary>
    [Items(maxItems: 8)]
    [ListType(ListType.Map, "name")]
    public IReadOnlyList<WidgetPart> Parts { get; init; } = [];

    /// <summary>Where it may be.</summary>
    [Items(maxItems: 4)]
    [Pattern("^[a-z]+$", OnItems = true)]
    [Length(1, 10, OnItems = true)]
    [ListType(ListType.Set)]
    public IReadOnlyList<string> Places { get; init; } = ["here"];

    /// <summary>Marks on it.</summary>
    [Items(maxItems: 4)]
    [Length(maxLength: 20, OnItems = true)]
    public IReadOnlyDictionary<string, string>? Marks { get; init; }

    /// <summary>Its coat.</summary>
    public WidgetCoat Coat { get; init; } = new();

    /// <summary>Its door, a number or a name.</summary>
    public IntOrString? Door { get; init; }

    /// <summary>Anything else.</summary>
    [PreserveUnknownFields]
    public IReadOnlyDictionary<string, object>? Other { get; init; }

    /// <summary>Computed, so no field.</summary>
    public bool IsBig => Size > 10;
}

/// <summary>A part.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Count">How many.</param>
public sealed record WidgetPart([property: Length(1, 63)] string Name, [property: RangeMinimum(0)] int Count = 1);

/// <summary>A coat.</summary>
public sealed record WidgetCoat
{
    /// <summary>How thick, in millimetres.</summary>
    public double Thickness { get; init; } = 0.5;

    /// <summary>Whether it shines.</summary>
    public bool Shiny { get; init; }
}

/// <summary>A colour.</summary>
[JsonConverter(typeof(EnumText<WidgetColor>))]
public enum WidgetColor
{
    /// <summary>As fire.</summary>
    Red,

    /// <summary>As the sea.</summary>
    [JsonStringEnumMemberName("Blue")]
    BlueAsTheSea,
}

/// <summary>What is known of a widget.</summary>
public sealed record WidgetStatus
{
    /// <summary>Where it stands.</summary>
    public string? Phase { get; init; }

    /// <summary>How often it was looked at.</summary>
    public int Looks { get; init; }
}
