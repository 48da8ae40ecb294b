using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OnCache.Lab.Interop;

namespace OnCache.Lab.Bench.Kernel;

/// <summary>A map as bytes.</summary>
internal sealed unsafe class BpfMapHandle : IDisposable
{
    private readonly SafeFileHandle handle;
    private readonly string name;

    private BpfMapHandle(SafeFileHandle handle, string name)
    {
        this.handle = handle;
        this.name = name;
        var info = BpfCall.Describe<BpfMapInfo>(handle, name);
        (Type, KeySize, ValueSize, MaxEntries) = (info.Type, (int)info.KeySize, (int)info.ValueSize, (int)info.MaxEntries);
    }

    public uint Type { get; }

    public int KeySize { get; }

    public int ValueSize { get; }

    public int MaxEntries { get; }

    private int Descriptor => (int)handle.DangerousGetHandle();

    public static BpfMapHandle OpenPinned(string path) => new(BpfCall.OpenPinned(path), path);

    /// <summary>A new map like this one of another size.</summary>
    public BpfMapHandle Resized(int entries)
    {
        var attributes = new BpfMapCreate { Type = Type, KeySize = (uint)KeySize, ValueSize = (uint)ValueSize, MaxEntries = (uint)entries };
        return new BpfMapHandle(BpfCall.Open(Libc.BPF_MAP_CREATE, &attributes, (uint)sizeof(BpfMapCreate), $"make a map like {name} of {entries} entries"), name);
    }

    /// <summary>Kernel memory in bytes, by the kernel's own account.</summary>
    public long Memory()
    {
        var line = File.ReadLines($"/proc/self/fdinfo/{Descriptor}").FirstOrDefault(text => text.StartsWith("memlock:", StringComparison.Ordinal));
        return line is null ? throw new LabException($"{name}: the kernel does not tell its memory") : long.Parse(line["memlock:".Length..], CultureInfo.InvariantCulture);
    }

    /// <summary>Null when there is no such key.</summary>
    public byte[]? Lookup(ReadOnlySpan<byte> key)
    {
        var value = new byte[ValueSize];
        fixed (byte* from = key)
        fixed (byte* to = value)
        {
            var attributes = new BpfMapElement { Descriptor = (ulong)Descriptor, Key = from, Value = to };
            return Libc.bpf(Libc.BPF_MAP_LOOKUP_ELEM, &attributes, (uint)sizeof(BpfMapElement)) == 0 ? value : null;
        }
    }

    public void Update(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        fixed (byte* from = key)
        fixed (byte* to = value)
        {
            var attributes = new BpfMapElement { Descriptor = (ulong)Descriptor, Key = from, Value = to };
            _ = BpfCall.Do(Libc.BPF_MAP_UPDATE_ELEM, &attributes, (uint)sizeof(BpfMapElement), $"write to {name}");
        }
    }

    /// <summary>All keys there are.</summary>
    public IReadOnlyList<byte[]> Keys()
    {
        var keys = new List<byte[]>();
        for (var key = Next(null); key is not null; key = Next(key))
        {
            keys.Add(key);
        }

        return keys;
    }

    /// <param name="keys">One after the other.</param>
    /// <param name="values">In the same order.</param>
    public void UpdateBatch(ReadOnlySpan<byte> keys, ReadOnlySpan<byte> values)
    {
        fixed (byte* from = keys)
        fixed (byte* to = values)
        {
            var attributes = new BpfMapBatch { Keys = from, Values = to, Count = (uint)(keys.Length / KeySize), Descriptor = Descriptor };
            _ = BpfCall.Do(Libc.BPF_MAP_UPDATE_BATCH, &attributes, (uint)sizeof(BpfMapBatch), $"fill {name}");
        }
    }

    /// <summary>Deletes these keys; one that is gone already is as good.</summary>
    /// <param name="keys">One after the other.</param>
    public void DeleteAll(ReadOnlySpan<byte> keys)
    {
        fixed (byte* from = keys)
        {
            for (var offset = 0; offset < keys.Length; offset += KeySize)
            {
                var attributes = new BpfMapElement { Descriptor = (ulong)Descriptor, Key = from + offset };
                _ = Libc.bpf(Libc.BPF_MAP_DELETE_ELEM, &attributes, (uint)sizeof(BpfMapElement));
            }
        }
    }

    public void Dispose() => handle.Dispose();

    private byte[]? Next(byte[]? key)
    {
        var next = new byte[KeySize];
        fixed (byte* from = key)
        fixed (byte* to = next)
        {
            var attributes = new BpfMapElement { Descriptor = (ulong)Descriptor, Key = from, Value = to };
            if (Libc.bpf(Libc.BPF_MAP_GET_NEXT_KEY, &attributes, (uint)sizeof(BpfMapElement)) == 0)
            {
                return next;
            }

            var error = Marshal.GetLastPInvokeError();
            return error == Libc.ENOENT ? null : throw new LabException($"bpf: cannot read the keys of {name}: {Marshal.GetPInvokeErrorMessage(error)}");
        }
    }
}
