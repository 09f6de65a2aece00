import { TextInput, type TextInputProps } from "@mantine/core";
import { useMergedRef } from "@mantine/hooks";
import { useEffect, useRef, type Ref } from "react";

interface TypedInputProps extends Omit<TextInputProps, "value" | "defaultValue" | "onChange"> {
  /** What it stands for elsewhere: in the page's address. */
  value: string;
  onTyped: (text: string) => void;
  ref?: Ref<HTMLInputElement>;
}

/**
 * A field whose text is kept in the page's address. The address follows a moment after the keys: while one types it may
 * not write back, or keys would be lost.
 */
export function TypedInput({ value, onTyped, ref, ...rest }: TypedInputProps) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (field.current && field.current !== document.activeElement) field.current.value = value;
  }, [value]);
  return (
    <TextInput
      {...rest}
      ref={useMergedRef(field, ref)}
      defaultValue={value}
      onChange={(event) => onTyped(event.currentTarget.value)}
    />
  );
}
