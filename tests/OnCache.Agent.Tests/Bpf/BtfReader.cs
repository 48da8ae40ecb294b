using System.Buffers.Binary;
using System.Text;

namespace OnCache.Agent.Tests.Bpf;

/// <summary>A struct of BTF, its members in order.</summary>
internal sealed record BtfStruct(string Name, int Size, IReadOnlyList<BtfField> Fields);

/// <param name="Offset">Octets from the struct's start.</param>
/// <param name="Size">Octets.</param>
internal sealed record BtfField(string Name, int Offset, int Size);

/// <summary>
/// Reads the type information of an object, as much of it as the layouts need: linux/btf.h. Type ids begin at 1, 0 is void.
/// </summary>
internal sealed class BtfReader
{
    private const ushort Magic = 0xeb9f;

    private readonly List<BtfType> _types = [new(BtfKind.Void, "", 0, 0, [])];

    public BtfReader(ReadOnlySpan<byte> data)
    {
        BinaryPrimitives.ReadUInt16LittleEndian(data).ShouldBe(Magic);
        var header = Word(data, 4);
        var types = data.Slice(header + Word(data, 8), Word(data, 12));
        var strings = data.Slice(header + Word(data, 16), Word(data, 20));
        while (!types.IsEmpty)
        {
            var info = Word(types, 4);
            var kind = (BtfKind)(info >> 24 & 0x1f);
            var count = info & 0xffff;
            var rest = types[12..];
            var tail = rest[..TailLength(kind, count)];
            _types.Add(new BtfType(kind, Text(strings, Word(types, 0)), Word(types, 8), info, Parts(kind, count, tail, strings)));
            types = rest[tail.Length..];
        }
    }

    public IEnumerable<BtfStruct> Structs => _types.Where(type => type.Kind == BtfKind.Struct)
        .Select(type => new BtfStruct(
            type.Name,
            type.SizeOrType,
            [.. type.Parts.Select(part => new BtfField(part.Name, part.Value / 8, SizeOf(part.Type)))]));

    /// <summary>Constants of every enumeration, by its name.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, int>> Enums => _types
        .Where(type => type.Kind == BtfKind.Enum && type.Name.Length > 0)
        .ToDictionary(
            type => type.Name,
            IReadOnlyDictionary<string, int> (type) =>
                type.Parts.ToDictionary(part => part.Name, part => part.Value, StringComparer.Ordinal),
            StringComparer.Ordinal);

    /// <summary>Variables of a section with their offsets.</summary>
    public IReadOnlyDictionary<string, int> Section(string name) => _types
        .Single(type => type.Kind == BtfKind.DataSection && type.Name == name)
        .Parts.ToDictionary(part => _types[part.Type].Name, part => part.Value, StringComparer.Ordinal);

    private int SizeOf(int id)
    {
        var type = _types[id];
        return type.Kind switch
        {
            BtfKind.Integer or BtfKind.Struct or BtfKind.Union or BtfKind.Enum or BtfKind.Enum64 => type.SizeOrType,
            BtfKind.Pointer => 8,
            BtfKind.Array => type.Parts[0].Value * SizeOf(type.Parts[0].Type),
            BtfKind.Typedef or BtfKind.Volatile or BtfKind.Const or BtfKind.Restrict or BtfKind.TypeTag => SizeOf(type.SizeOrType),
            _ => throw new NotSupportedException($"BTF kind {type.Kind} has no size"),
        };
    }

    private static int TailLength(BtfKind kind, int count) => kind switch
    {
        BtfKind.Integer or BtfKind.Variable or BtfKind.DeclarationTag => 4,
        BtfKind.Array => 12,
        BtfKind.Struct or BtfKind.Union or BtfKind.DataSection or BtfKind.Enum64 => 12 * count,
        BtfKind.Enum or BtfKind.FunctionPrototype => 8 * count,
        _ => 0,
    };

    private static List<BtfPart> Parts(BtfKind kind, int count, ReadOnlySpan<byte> tail, ReadOnlySpan<byte> strings)
    {
        var parts = new List<BtfPart>();
        if (kind == BtfKind.Array)
        {
            parts.Add(new BtfPart("", Word(tail, 0), Word(tail, 8)));
        }

        for (var i = 0; i < count; i++)
        {
            switch (kind)
            {
                case BtfKind.Struct or BtfKind.Union:
                    parts.Add(new BtfPart(Text(strings, Word(tail, 12 * i)), Word(tail, 12 * i + 4), Word(tail, 12 * i + 8) & 0xff_ffff));
                    break;
                case BtfKind.Enum:
                    parts.Add(new BtfPart(Text(strings, Word(tail, 8 * i)), 0, Word(tail, 8 * i + 4)));
                    break;
                case BtfKind.DataSection:
                    parts.Add(new BtfPart("", Word(tail, 12 * i), Word(tail, 12 * i + 4)));
                    break;
            }
        }

        return parts;
    }

    private static int Word(ReadOnlySpan<byte> data, int offset) => BinaryPrimitives.ReadInt32LittleEndian(data[offset..]);

    private static string Text(ReadOnlySpan<byte> strings, int offset)
    {
        var text = strings[offset..];
        return Encoding.ASCII.GetString(text[..text.IndexOf((byte)0)]);
    }

    private sealed record BtfType(BtfKind Kind, string Name, int SizeOrType, int Info, List<BtfPart> Parts);

    /// <summary>A member, a constant, a variable of a section, or the element of an array.</summary>
    /// <param name="Value">Bits from the start, the constant, octets from the start, or the number of elements.</param>
    private sealed record BtfPart(string Name, int Type, int Value);

    private enum BtfKind
    {
        Void,
        Integer,
        Pointer,
        Array,
        Struct,
        Union,
        Enum,
        Forward,
        Typedef,
        Volatile,
        Const,
        Restrict,
        Function,
        FunctionPrototype,
        Variable,
        DataSection,
        Float,
        DeclarationTag,
        TypeTag,
        Enum64,
    }
}
