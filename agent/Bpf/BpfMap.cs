using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OnCache.Agent.Bpf;

/// <summary>A map by its file descriptor, with typed keys and values. Errors are <see cref="BpfException"/>.</summary>
internal sealed unsafe class BpfMap<TKey, TValue>(string name, int fd, IKernelSteps? steps = null)
    where TKey : unmanaged
    where TValue : unmanaged
{
    private const int ENOENT = 2;
    private const int EEXIST = 17;
    private const ulong BPF_ANY = 0;
    private const ulong BPF_NOEXIST = 1;

    // A bucket of a hash map has to fit as a whole; the kernel makes as many buckets as the map may have entries.
    private const int Batch = 4096;

    private readonly IKernelSteps _steps = steps ?? KernelSteps.Direct;

    public string Name => name;

    private string WriteStep => $"write map {name}";

    public bool TryGet(TKey key, out TValue value)
    {
        fixed (TValue* pointer = &value)
        {
            var result = Interop.Libbpf.bpf_map_lookup_elem(fd, &key, pointer);
            return result == -ENOENT ? false : BpfException.Check(result, $"read map {name}") >= 0;
        }
    }

    public void Set(TKey key, TValue value) => BpfException.Check(Write(key, value, BPF_ANY), WriteStep);

    /// <summary>Leaves what is there already; whether it was not.</summary>
    public bool TryAdd(TKey key, TValue value)
    {
        var result = Write(key, value, BPF_NOEXIST);
        return result == -EEXIST ? false : BpfException.Check(result, WriteStep) >= 0;
    }

    public bool Remove(TKey key)
    {
        var step = $"delete from map {name}";
        var result = _steps.Try(step, () =>
        {
            var k = key;
            return Interop.Libbpf.bpf_map_delete_elem(fd, &k);
        });
        return result == -ENOENT ? false : BpfException.Check(result, step) >= 0;
    }

    /// <summary>All entries of a hash map, many with one call; those that come or go meanwhile may be missed.</summary>
    public IEnumerable<(TKey Key, TValue Value)> Entries()
    {
        var (keys, values, position) = (new TKey[Batch], new TValue[Batch], 0u);
        for (var first = true; ; first = false)
        {
            var count = (uint)Batch;
            var more = Read(first, ref position, keys, values, ref count);
            for (var i = 0; i < count; i++)
            {
                yield return (keys[i], values[i]);
            }

            if (!more)
            {
                yield break;
            }
        }
    }

    private int Write(TKey key, TValue value, ulong flags) => _steps.Try(WriteStep, () =>
    {
        var (k, v) = (key, value);
        return Interop.Libbpf.bpf_map_update_elem(fd, &k, &v, flags);
    });

    private bool Read(bool first, ref uint position, TKey[] keys, TValue[] values, ref uint count)
    {
        fixed (TKey* key = keys)
        fixed (TValue* value = values)
        fixed (uint* at = &position)
        {
            var result = Interop.Libbpf.bpf_map_lookup_batch(fd, first ? null : at, at, key, value, ref count, null);
            return result == -ENOENT ? false : BpfException.Check(result, $"read map {name}") >= 0;
        }
    }

    /// <summary>The keys, collected before the caller changes the map.</summary>
    public IReadOnlyList<TKey> Keys()
    {
        var keys = new List<TKey>();
        TKey current = default, next;
        var result = Interop.Libbpf.bpf_map_get_next_key(fd, null, &next);
        while (result == 0)
        {
            keys.Add(next);
            current = next;
            result = Interop.Libbpf.bpf_map_get_next_key(fd, &current, &next);
        }

        return result == -ENOENT ? keys : throw new BpfException($"walk map {name}", -result);
    }
}

/// <summary>A per-CPU array: one value for each possible CPU, each padded to 8 bytes.</summary>
internal sealed unsafe class PerCpuArray<TValue>(string name, int fd, int cpus)
    where TValue : unmanaged
{
    public TValue[] Read(uint index)
    {
        var stride = (sizeof(TValue) + 7) & ~7;
        var buffer = new byte[stride * cpus];
        fixed (byte* pointer = buffer)
        {
            BpfException.Check(Interop.Libbpf.bpf_map_lookup_elem(fd, &index, pointer), $"read map {name}");
        }

        var values = new TValue[cpus];
        for (var cpu = 0; cpu < cpus; cpu++)
        {
            values[cpu] = Unsafe.ReadUnaligned<TValue>(ref buffer[cpu * stride]);
        }

        return values;
    }

    public void Clear(uint index)
    {
        var buffer = new byte[((sizeof(TValue) + 7) & ~7) * cpus];
        fixed (byte* pointer = buffer)
        {
            BpfException.Check(Interop.Libbpf.bpf_map_update_elem(fd, &index, pointer, 0), $"write map {name}");
        }
    }
}

/// <summary>An array map in the agent's own memory: a store is effective for the very next packet.</summary>
internal sealed unsafe class MappedArray<TValue> : SafeHandle
    where TValue : unmanaged
{
    private readonly nuint _bytes;
    private readonly IKernelSteps _steps;

    public MappedArray(string name, int fd, int length, IKernelSteps? steps = null)
        : base(0, ownsHandle: true)
    {
        Length = length;
        _steps = steps ?? KernelSteps.Direct;
        // The kernel rounds each element to 8 bytes and the mapping to pages.
        Stride = (sizeof(TValue) + 7) & ~7;
        _bytes = (nuint)(((long)Stride * length + Environment.SystemPageSize - 1) / Environment.SystemPageSize * Environment.SystemPageSize);
        _steps.Do($"map {name} into memory", () =>
        {
            var address = (nint)Interop.Libc.mmap(
                null, _bytes, Interop.Libc.PROT_READ | Interop.Libc.PROT_WRITE, Interop.Libc.MAP_SHARED, fd, 0);
            if (address == -1)
            {
                return -Marshal.GetLastPInvokeError();
            }

            SetHandle(address);
            return 0;
        });
    }

    public int Length { get; }

    public override bool IsInvalid => handle == 0;

    private int Stride { get; }

    public ref TValue this[uint index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, (uint)Length);
            ObjectDisposedException.ThrowIf(IsClosed, this);
            // Whoever takes a reference is about to store, or to read what was stored.
            _steps.BetweenStores();
            return ref Unsafe.AsRef<TValue>((byte*)handle + (nint)index * Stride);
        }
    }

    protected override bool ReleaseHandle() => Interop.Libc.munmap((void*)handle, _bytes) == 0;
}
