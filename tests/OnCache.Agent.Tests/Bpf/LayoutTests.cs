using System.Globalization;
using System.Numerics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

using OnCache.Agent.Bpf;

namespace OnCache.Agent.Tests.Bpf;

/// <summary>Both sides of the maps agree: what C# mirrors against the type information of the object.</summary>
public sealed class LayoutTests
{
    private const string Prefix = "oncache_";

    private static readonly BtfReader s_btf = ReadObject();

    private static readonly Type[] s_mirrored =
    [
        typeof(LoadOptions), typeof(Config), typeof(FlowKey), typeof(FilterEntry), typeof(EgressEntry), typeof(IngressEntry),
        typeof(EndpointCounters), typeof(Held), typeof(ReasonCounters), typeof(ExcludedPrefix), typeof(ExcludedPort), typeof(Witness), typeof(HostRegion), typeof(Ended), typeof(EndedQueue), typeof(OnCache.Agent.Bpf.Sweep),
    ];

    public static TheoryData<string> Structs => [.. s_mirrored.Select(type => type.Name)];

    [Theory]
    [MemberData(nameof(Structs))]
    public void Struct_has_the_same_fields_at_the_same_places(string name)
    {
        var type = s_mirrored.Single(type => type.Name == name);
        var native = s_btf.Structs.Single(item => Bare(item.Name) == Bare(Prefix + name));

        FieldsOf(type).ShouldBe(native.Fields
            .Where(field => !field.Name.StartsWith("pad", StringComparison.Ordinal))
            .Select(field => field with { Name = Bare(field.Name) }));
        SizeOf(type).ShouldBe(native.Size);
    }

    [Fact]
    public void No_struct_is_missing_on_either_side()
    {
        // The shape of a map is read by system call, the inline arrays are fields.
        var managed = typeof(Config).Assembly.GetTypes()
            .Where(type => type is { IsValueType: true, IsEnum: false, IsNested: false, IsGenericType: false }
                && type.Namespace == typeof(Config).Namespace
                && type != typeof(MapShape)
                && type != typeof(ConfigHead)
                && !type.IsDefined(typeof(InlineArrayAttribute)));
        managed.ShouldBe(s_mirrored, ignoreOrder: true);

        s_btf.Structs.Select(item => item.Name)
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(Bare)
            .ShouldBe(s_mirrored.Select(type => Bare(Prefix + type.Name)), ignoreOrder: true);
    }

    [Theory]
    [InlineData("mode", "MODE_", typeof(EndpointMode))]
    [InlineData("protocol_bit", "PROTOCOL_", typeof(ProtocolBits))]
    [InlineData("endpoint_flag", "ENDPOINT_", typeof(EndpointFlags))]
    [InlineData("closing", "CLOSING_", typeof(Closing))]
    [InlineData("entry_flag", "ENTRY_", typeof(EntryFlags))]
    [InlineData("region_scope", "REGION_", typeof(RegionScope))]
    [InlineData("reason", "REASON_", typeof(Reason))]
    public void Enumeration_has_the_same_constants(string name, string prefix, Type mirror)
    {
        var native = s_btf.Enums[Prefix + name]
            .Where(pair => pair.Key != "REASON_COUNT")
            .ToDictionary(pair => Bare(pair.Key[prefix.Length..]), pair => pair.Value, StringComparer.Ordinal);
        var managed = Enum.GetValuesAsUnderlyingType(mirror).Cast<object>()
            .Select(value => (Name: Bare(Enum.GetName(mirror, value)!), Value: Convert.ToInt32(value, CultureInfo.InvariantCulture)))
            // C# names what C writes as 0, or as a sum of bits.
            .Where(item => native.ContainsKey(item.Name)
                || !mirror.IsDefined(typeof(FlagsAttribute))
                || BitOperations.PopCount((uint)item.Value) == 1)
            .ToDictionary(item => item.Name, item => item.Value, StringComparer.Ordinal);

        managed.ShouldBe(native, ignoreOrder: true);
    }

    [Fact]
    public void Constants_are_the_same()
    {
        s_btf.Enums["oncache_layout"].ShouldBe(
            new Dictionary<string, int>(StringComparer.Ordinal)
            {
                ["LAYOUT_VERSION"] = (int)Layout.Version,
                ["INDEX_NONE"] = (int)Layout.IndexNone,
                ["HEADER_MAX"] = Layout.HeaderMax,
                ["WITNESS_BYTES"] = Layout.WitnessBytes,
                ["WITNESSES"] = Layout.Witnesses,
                ["HOST_REGIONS"] = Layout.HostRegions,
                ["ENDED"] = Layout.Ended,
                ["NOTES"] = Layout.Notes,
                ["NOTE_SHIFT"] = Layout.NoteShift,
            },
            ignoreOrder: true);
        s_btf.Enums["oncache_reason"]["REASON_COUNT"].ShouldBe(ReasonText.Count);
    }

    [Fact]
    public void No_enumeration_of_ours_is_without_a_test() =>
        s_btf.Enums.Keys.Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).ShouldBe(
            ["oncache_layout", "oncache_mode", "oncache_protocol_bit", "oncache_endpoint_flag", "oncache_closing", "oncache_entry_flag", "oncache_region_scope", "oncache_reason"],
            ignoreOrder: true);

    [Fact]
    public void The_load_options_are_where_the_agent_writes_them() => s_btf.Section(".rodata")["load_options"].ShouldBe(0);

    private static unsafe BtfReader ReadObject()
    {
        using var obj = BpfObject.OpenEmbedded();
        var data = Interop.Libbpf.btf__raw_data(obj.Btf, out var size);
        return new BtfReader(new ReadOnlySpan<byte>(data, (int)size));
    }

    /// <summary>ifindex, IfIndex, egress_lease and EgressLease as one spelling.</summary>
    private static string Bare(string name) => name.Replace("_", "", StringComparison.Ordinal).ToLowerInvariant();

    private static List<BtfField> FieldsOf(Type type) => (List<BtfField>)Generic(nameof(FieldsOfStruct), type);

    private static int SizeOf(Type type) => (int)Generic(nameof(SizeOfStruct), type);

    private static object Generic(string method, Type type) =>
        typeof(LayoutTests).GetMethod(method, BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(type).Invoke(null, null)!;

    private static int SizeOfStruct<T>() => Unsafe.SizeOf<T>();

    /// <summary>Each field's place and size, found by filling it with ones and looking where they are.</summary>
    private static List<BtfField> FieldsOfStruct<T>()
        where T : unmanaged =>
    [
        .. typeof(T).GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(field => !field.Name.StartsWith("_pad", StringComparison.Ordinal))
            .Select(field =>
            {
                object boxed = default(T);
                field.SetValue(boxed, Generic(nameof(Ones), field.FieldType));
                var value = (T)boxed;
                var octets = MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value));
                var size = octets.Length - octets.Count((byte)0);
                return new BtfField(Bare(PropertyName(field.Name)), octets.IndexOfAnyExcept((byte)0), size);
            })
            .OrderBy(field => field.Offset),
    ];

    private static T Ones<T>()
        where T : unmanaged
    {
        T value = default;
        MemoryMarshal.AsBytes(new Span<T>(ref value)).Fill(0xff);
        return value;
    }

    /// <summary>The field behind a property of a record: &lt;Name&gt;k__BackingField.</summary>
    private static string PropertyName(string field) =>
        field.StartsWith('<') ? field[1..field.IndexOf('>', StringComparison.Ordinal)] : field;
}
